"""The allocators that run against each other, by name."""
import glob
import os
from dataclasses import dataclass, field

from lab.errors import LabError

PACKAGED = {
    "mimalloc": "libmimalloc.so.2*",
    "jemalloc": "libjemalloc.so.2",
    "tcmalloc": "libtcmalloc_minimal.so.4",
    "tbbmalloc": "libtbbmalloc_proxy.so.2",
}


@dataclass(frozen=True)
class Contestant:
    name: str
    library: str | None = None  # what is preloaded; None: nothing, the C library serves
    environment: dict = field(default_factory=dict, hash=False)
    options: str = ""           # of the hakmem build
    is_hakmem: bool = False


def packaged():
    """name -> library of those that Debian's packages have put on this machine."""
    hits = {name: sorted(glob.glob(f"/usr/lib/*-linux-gnu*/{pattern}"))
            for name, pattern in PACKAGED.items()}
    return {name: found[0] for name, found in hits.items() if found}


def parse_peers(texts):
    """name -> library from "name=/path.so" texts, each possibly several with commas between."""
    peers = {}
    for text in filter(None, ",".join(texts).split(",")):
        name, equals, path = text.partition("=")
        if not name or not equals:
            raise LabError(f"'{text}' is not NAME=LIBRARY")
        if name in ("glibc", "hakmem"):
            raise LabError(f"'{text}': the name {name} is taken")
        if not os.path.isfile(path):
            raise LabError(f"{name}: there is no library {path}")
        peers[name] = path
    return peers


def choose(hakmem, options, peers, only):
    """glibc and hakmem first, then the packaged, then further peers; `only`: just these names."""
    libraries = {**packaged(), **peers}
    found = {"glibc": Contestant("glibc", options=options),
             "hakmem": Contestant("hakmem", os.path.realpath(hakmem), options=options,
                                  is_hakmem=True)}
    for name, path in libraries.items():
        if any(letter in path for letter in " :"):
            raise LabError(f"LD_PRELOAD cannot name a path with a blank or a colon: {path}")
        found[name] = Contestant(name, os.path.realpath(path), options=options)
    unknown = [name for name in only or () if name not in found]
    if unknown:
        raise LabError(f"no allocator '{unknown[0]}' here; found: {', '.join(found)}")
    return [found[name] for name in only or found]
