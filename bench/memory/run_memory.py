#!/usr/bin/env python3
"""Run the memory programs on glibc, hakmem and the packaged allocators; print one table.

    run_memory.py --hakmem LIBRARY --programs FOLDER [--extra NAME=LIBRARY]
"""
import argparse
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lab.contestants import choose, parse_peers  # noqa: E402

# title, program and arguments, the figure to print, its unit, what one unit of the figure is
ROWS = [
    ("950 MiB freed, 1 thread, 3 s idle",   "idle 0",    "idle_kib",       "MiB", 1024),
    ("950 MiB freed, 4 threads, 3 s idle",  "idle 4",    "idle_kib",       "MiB", 1024),
    ("15 of 16 freed at random, 3 s idle",  "sparse",    "idle_kib",       "MiB", 1024),
    ("512 MiB up and down, 20 times",       "oscillate", "ms",             "ms", 1),
    ("2,000 sleeping threads, each",        "threads",   "bytes_a_thread", "KiB", 1024),
]


def figure(folder, command, library, key):
    program, *arguments = command.split()
    env = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
    if library:
        env["LD_PRELOAD"] = library
    done = subprocess.run([str(Path(folder) / f"memory_{program}"), *arguments], env=env,
                          capture_output=True, text=True)
    values = dict(line.split() for line in done.stdout.splitlines())
    return float(values[key]) if done.returncode == 0 and key in values else None


def main():
    parser = argparse.ArgumentParser(description="Compare what allocators keep.")
    parser.add_argument("--hakmem", metavar="LIBRARY", required=True)
    parser.add_argument("--programs", metavar="FOLDER", required=True)
    parser.add_argument("--extra", metavar="NAME=LIBRARY", action="append", default=[])
    args = parser.parse_args()
    found = choose(args.hakmem, "", parse_peers(args.extra), None)
    libraries = {contestant.name: contestant.library for contestant in found}
    print(f"{'':38}" + "".join(f"{name:>11}" for name in libraries))
    for title, command, key, unit, divisor in ROWS:
        print(f"{title:33} {unit:>4}", end="", flush=True)
        for library in libraries.values():
            value = figure(args.programs, command, library, key)
            print(f"{'failed' if value is None else format(value / divisor, '.1f'):>11}", end="",
                  flush=True)
        print()


if __name__ == "__main__":
    main()
