#!/usr/bin/env python3
"""The real programs, spoken to like hak_bench.

    python3 bench/programs --list
    python3 bench/programs NAME folder=SCRATCH [scale=1] [preload=LIBRARY] [under=COMMAND]

The library is an argument because it is meant for the program and not for this process; so is
`under`, a command that counts something about the program it starts.
"""
import hashlib
import json
import shlex
import subprocess
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
from programs import launch  # noqa: E402
from programs.definitions import PROGRAMS  # noqa: E402

LIBC = "libc.so.6"
OPTIONS = {"folder", "scale", "preload", "under"}


def describe(program):
    return {"name": program.name, "group": "programs", "threads": [program.threads], "unit": "s",
            "better": "lower", "parameters": {"folder": "", "scale": 1},
            "missing": program.missing(),
            "cases": [{"title": program.title, "arguments": "", "quick": True}]}


def prepare(program, folder, scale):
    """Make the input once for each scale; the mark is written last."""
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / "scale"
    if not mark.exists() or mark.read_text() != str(scale):
        program.prepare(folder, scale)
        mark.write_text(str(scale))


def report(program, outcome, library):
    return {"workload": program.name, "threads": program.threads, "value": outcome.seconds,
            "unit": "s", "better": "lower", "seconds": outcome.seconds, "operations": 1,
            "peak_rss_kib": outcome.peak_kib, "minor_faults": outcome.minor_faults,
            "voluntary_switches": outcome.voluntary_switches,
            "involuntary_switches": outcome.involuntary_switches,
            "malloc": library if outcome.preloaded else "the system's: preloading failed",
            "output": hashlib.sha256(outcome.output).hexdigest()}


def main():
    if sys.argv[1:] == ["--list"]:
        print(json.dumps([describe(program) for program in PROGRAMS]))
        return
    program = next((p for p in PROGRAMS if p.name in sys.argv[1:2]), None)
    options = dict(word.partition("=")[::2] for word in sys.argv[2:])
    if not program or "folder" not in options or set(options) - OPTIONS:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    folder, scale = Path(options["folder"]) / program.name, float(options.get("scale", 1))
    # Without one, the C library: some programs (redis) are linked with a malloc of their own.
    library = options.get("preload") or LIBC
    try:
        prepare(program, folder, scale)
        outcome = launch.run(program, folder, scale, library, shlex.split(options.get("under", "")))
    except (launch.Failed, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"{program.title}: {error}")
    print(json.dumps(report(program, outcome, library)))


if __name__ == "__main__":
    main()
