#!/usr/bin/env python3
"""Check the model of the remote queue with spin: no error in the model as it is, an error in every
seeded bug. Exit 0, 1, or 77 when spin is missing."""
import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODEL = Path(__file__).resolve().parent / "remote_queue.pml"

BOUND_NAMES = ("SLABS", "BLOCKS", "FREERS", "USERS")
# All twos at once are 80 million states and 13 minutes: --deep.
BOUNDS = [(2, 1, 2, 2), (1, 2, 2, 2), (1, 2, 3, 2), (2, 1, 3, 2), (2, 2, 2, 1), (2, 2, 1, 2)]
DEEP = [(2, 2, 2, 2)]

# Seeded bug: the least bounds that show it.
BUGS = {
    "RELEASE_WHILE_ANNOUNCED": (1, 2, 2, 2),
    "NO_CLOSED_STATE": (1, 2, 2, 2),
    "BITS_BEFORE_UNPIN": (1, 2, 2, 2),
    "OWNER_BEFORE_PIN": (1, 2, 2, 2),
    "OPEN_BEFORE_OWNER": (1, 2, 2, 2),
    "PIN_BEFORE_BITS": (1, 2, 2, 2),
    "PUSH_WITHOUT_CAS": (2, 1, 2, 2),
    "NEXT_AFTER_UNPIN": (2, 2, 1, 1),
}
EXHAUSTIVE = ["-DCOLLAPSE"]  # exact, states compressed
SHORTEST = ["-DBFS"]  # breadth first: the shortest way to the error
DEPTH = 20_000_000  # of the search, which must not be cut off


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-2000:]}")
    return done.stdout


def check(folder, bounds, mode, bug=None):
    """The verdict of spin's checker: its output."""
    defines = [f"-D{name}={value}" for name, value in zip(BOUND_NAMES, bounds)]
    if bug:
        defines.append(f"-DBUG_{bug}")
    run("spin", *defines, "-a", str(MODEL), cwd=folder)
    run("cc", "-O2", "-w", "-DSAFETY", *mode, "-o", "pan", "pan.c", cwd=folder)
    return run("./pan", f"-m{DEPTH if mode == EXHAUSTIVE else 10_000}", cwd=folder)


def found(pattern, output):
    match = re.search(pattern, output)
    return match.group(1) if match else None


def check_good(folder, bounds):
    started = time.monotonic()
    output = check(folder, bounds, EXHAUSTIVE)
    errors = found(r"errors: (\d+)", output)
    complete = "Search not completed" not in output and "too small" not in output
    reached = set(re.findall(r"\((\d+) of \d+ states\)", output)) == {"0"}
    good = errors == "0" and complete and reached
    states = found(r"(\S+) states, stored", output)
    memory = found(r"(\S+)\s+total actual memory", output)
    names = " ".join(f"{name.lower()} {value}" for name, value in zip(BOUND_NAMES, bounds))
    print(f"{'ok  ' if good else 'FAIL'} {names}: {errors} errors, {states} states, {memory} MiB, "
          f"{time.monotonic() - started:.0f} s", flush=True)
    if not good:
        print(output)
    return good


def check_bug(folder, bug, bounds):
    output = check(folder, bounds, SHORTEST, bug)
    error = found(r"pan:1: (.*)", output)
    steps = found(r"\(at depth (\d+)\)", output)
    print(f"{'ok  ' if error else 'FAIL'} seeded {bug}: {error or 'not found'}", flush=True)
    return error is not None and steps is not None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deep", action="store_true",
                        help="two of everything: 13 minutes, 7 GiB")
    parser.add_argument("--trail", choices=BUGS, help="print the steps that lead to this bug")
    options = parser.parse_args()
    if not shutil.which("spin"):
        print("spin is not installed")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        if options.trail:
            check(folder, BUGS[options.trail], SHORTEST, options.trail)
            print(run("./pan", "-r", cwd=folder))
            return 0
        results = [check_bug(folder, bug, bounds) for bug, bounds in BUGS.items()]
        results += [check_good(folder, bounds) for bounds in (DEEP if options.deep else BOUNDS)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
