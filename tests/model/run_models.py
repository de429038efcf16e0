#!/usr/bin/env python3
"""Check the model of the remote queue with spin: no error in the model as it is, each of its steps
reached, an error in every seeded bug. Exit 0, 1, or 77 when spin is missing."""
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
BOUNDS = [(1, 2, 3, 2), (2, 1, 2, 2), (2, 2, 2, 1)]
FULL = [(2, 1, 3, 2), (2, 2, 1, 2), (2, 2, 2, 2)]  # the last: 80 million states

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
EXHAUSTIVE = ["-O1", "-DCOLLAPSE"]  # exact, states compressed
SHORTEST = ["-O0", "-DBFS"]  # breadth first: the shortest way to the error
DEPTH, FULL_DEPTH = 1_000_000, 20_000_000  # of the search, which must not be cut off


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-2000:]}")
    return done.stdout


def check(folder, bounds, mode, bug=None, depth=DEPTH):
    """The verdict of spin's checker: its output."""
    defines = [f"-D{name}={value}" for name, value in zip(BOUND_NAMES, bounds)]
    if bug:
        defines.append(f"-DBUG_{bug}")
    run("spin", *defines, "-a", str(MODEL), cwd=folder)
    run("cc", "-w", "-DSAFETY", *mode, "-o", "pan", "pan.c", cwd=folder)
    return run("./pan", f"-m{depth}", cwd=folder)


def found(pattern, output):
    match = re.search(pattern, output)
    return match.group(1) if match else None


def check_good(folder, bounds, depth):
    """Whether there is no error, and the steps of the model that were not reached."""
    started = time.monotonic()
    output = check(folder, bounds, EXHAUSTIVE, depth=depth)
    errors = found(r"errors: (\d+)", output)
    good = errors == "0" and "Search not completed" not in output and "too small" not in output
    states = found(r"(\S+) states, stored", output)
    memory = found(r"(\S+)\s+total actual memory", output)
    names = " ".join(f"{name.lower()} {value}" for name, value in zip(BOUND_NAMES, bounds))
    print(f"{'ok  ' if good else 'FAIL'} {names}: {errors} errors, {states} states, {memory} MiB, "
          f"{time.monotonic() - started:.0f} s", flush=True)
    if not good:
        print(output)
    return good, set(re.findall(r"(remote_queue\.pml:\d+, state \d+),", output))


def check_bug(folder, bug, bounds):
    error = found(r"pan:1: (.*)", check(folder, bounds, SHORTEST, bug))
    print(f"{'ok  ' if error else 'FAIL'} seeded {bug}: {error or 'not found'}", flush=True)
    return error is not None


def check_all(folder, full):
    results = [check_bug(folder, bug, bounds) for bug, bounds in BUGS.items()]
    unreached = None
    for bounds in BOUNDS + FULL if full else BOUNDS:
        good, missed = check_good(folder, bounds, FULL_DEPTH if bounds in FULL else DEPTH)
        results.append(good)
        unreached = missed if unreached is None else unreached & missed
    for step in sorted(unreached):
        print("FAIL never reached:", step)
    return all(results) and not unreached


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="wider bounds too: 15 minutes, 7 GiB")
    parser.add_argument("--trail", choices=BUGS, help="print the steps that lead to this bug")
    options = parser.parse_args()
    if not shutil.which("spin"):
        print("spin is not installed: no model checked")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        if options.trail:
            check(folder, BUGS[options.trail], SHORTEST, options.trail)
            print(run("./pan", "-r", cwd=folder))
            return 0
        return 0 if check_all(folder, options.full) else 1


if __name__ == "__main__":
    sys.exit(main())
