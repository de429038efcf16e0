#!/usr/bin/env python3
"""Run hak_bench against glibc, hakmem and the allocators packaged by Debian; print one table.

The rounds are interleaved: each allocator runs once before any runs again, so a slow phase of the
machine hits all of them. Reported are medians, the spread between the rounds and the peak RSS.
"""
import argparse
import glob
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

# title, arguments of hak_bench
CASES = [
    ("pair 64 B",              "pair"),
    ("fifo 100k x 48 B",       "fifo"),
    ("random 256 slots",       "random"),
    ("random 200k slots",      "random slots=200000"),
    ("larson 2 threads",       "larson threads=2"),
    ("remote 1+1 threads",     "remote threads=2"),
]

PEERS = {
    "mimalloc": "libmimalloc.so.2*",
    "jemalloc": "libjemalloc.so.2",
    "tcmalloc": "libtcmalloc_minimal.so.4",
    "tbbmalloc": "libtbbmalloc_proxy.so.2",
}


def allocators(args):
    """name -> library to preload; glibc is the one without."""
    found = {"glibc": None, "hakmem": args.hakmem}
    for name, pattern in PEERS.items():
        hits = sorted(glob.glob(f"/usr/lib/*-linux-gnu*/{pattern}"))
        if hits:
            found[name] = hits[0]
        else:
            print(f"{name}: not installed, left out", file=sys.stderr)
    for extra in args.extra:
        name, _, path = extra.partition("=")
        found[name] = path
    return {name: path and os.path.realpath(path) for name, path in found.items()}


def compile_bench(folder):
    program = Path(folder) / "hak_bench"
    subprocess.run([os.environ.get("CC", "gcc"), "-std=c11", "-O2", "-fno-builtin", "-pthread",
                    str(HERE / "hak_bench.c"), "-o", str(program)], check=True)
    return str(program)


def run_once(program, library, arguments, seconds):
    env = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
    if library:
        env["LD_PRELOAD"] = library
    done = subprocess.run([program, *arguments.split(), f"seconds={seconds}"], env=env,
                          capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"exit status {done.returncode}: {done.stderr.strip()}")
    result = dict(pair.split("=", 1) for pair in done.stdout.split())
    if library and os.path.realpath(result["malloc"]) != library:
        raise RuntimeError(f"served by {result['malloc']}")
    return float(result["mops"]), int(result["peak_kib"])


def run_case(title, program, libraries, arguments, args):
    """name -> list of (Mops/s, KiB); an allocator that fails leaves the case."""
    results = {name: [] for name in libraries}
    for number in range(args.rounds):
        for name in list(results):
            progress(f"{title}: round {number + 1} of {args.rounds}, {name}")
            try:
                results[name].append(run_once(program, libraries[name], arguments, args.seconds))
            except RuntimeError as error:
                del results[name]
                progress("")
                print(f"{title}: {name} left out: {error}", file=sys.stderr)
    progress("")
    return results


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def print_case(title, results):
    """Sorted, best first; 'of best' is the rate as a part of the best median."""
    medians = {name: statistics.median(rate for rate, _ in runs) for name, runs in results.items()}
    best = max(medians.values(), default=1)
    print(f"\n{title:24} {'Mops/s':>9} {'ns/op':>8} {'spread':>7} {'of best':>8} {'peak RSS':>12}")
    for name in sorted(medians, key=medians.get, reverse=True):
        rates = [rate for rate, _ in results[name]]
        spread = (max(rates) - min(rates)) / medians[name]
        peak = statistics.median(kib for _, kib in results[name])
        print(f"  {name:22} {medians[name]:9.2f} {1e3 / medians[name]:8.2f} {spread:7.1%} "
              f"{medians[name] / best:8.2f} {peak / 1024:8.1f} MiB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hakmem", required=True, metavar="LIBRARY", help="path of libhakmem.so")
    parser.add_argument("--program", help="a compiled hak_bench (default: compile it)")
    parser.add_argument("--extra", metavar="NAME=LIBRARY", action="append", default=[],
                        help="one more allocator")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of one run")
    parser.add_argument("--only", metavar="WORD", help="only cases whose title has this word")
    args = parser.parse_args()

    libraries = allocators(args)
    complete = True
    with tempfile.TemporaryDirectory() as folder:
        program = args.program or compile_bench(folder)
        for title, arguments in CASES:
            if not args.only or args.only in title:
                results = run_case(title, program, libraries, arguments, args)
                print_case(title, results)
                complete = complete and "hakmem" in results
    sys.exit(0 if complete else 1)


if __name__ == "__main__":
    main()
