#!/usr/bin/env python3
"""Run one misuse program: it must die by SIGABRT with exactly one line on stderr, the expected one.

run_misuse.py PROGRAM
"""
import os
import re
import resource
import signal
import subprocess
import sys

ADDRESS = r"0x[0-9a-f]+\b.*"
DOUBLE = rf"hakmem: double free of {ADDRESS}"
INVALID = rf"hakmem: invalid free of {ADDRESS}"
EITHER = rf"hakmem: (double|invalid) free of {ADDRESS}"
REALLOC = rf"hakmem: (double|invalid) (free|realloc) of {ADDRESS}"

# The longest name that begins a program's name decides.
EXPECTED = {
    "double_free": DOUBLE,
    "double_free_large": EITHER,           # its mapping may be gone: then the address is foreign
    "double_free_huge_alignment": EITHER,
    "double_free_other_sizes": EITHER,     # its slab may be gone
    "double_free_released": EITHER,
    "free": INVALID,
    "free_freed_large_interior": EITHER,
    "free_never_allocated": EITHER,        # a block waiting in a cache is free already
    "free_small_integer": r"hakmem: invalid free of 0x10\b.*",
    "free_non_canonical": r"hakmem: invalid free of 0xdeadbeefdeadbeef\b.*",
    "free_wild": r"hakmem: invalid free of 0xdeadbeef000\b.*",
    "free_wild_odd": r"hakmem: invalid free of 0xdeadbeef120\b.*",
    "realloc": REALLOC,
    "usable_size": rf"hakmem: invalid .* of {ADDRESS}",
}
# These may instead return a harmless answer, as the exit status tells: nothing is corrupted.
MAY_SURVIVE = "usable_size"


def main():
    program = sys.argv[1]
    name = os.path.basename(program).removeprefix("misuse_")
    pattern = EXPECTED[max((key for key in EXPECTED if name.startswith(key)), key=len)]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    run = subprocess.run([program], capture_output=True, text=True, timeout=60)
    died = run.returncode == -signal.SIGABRT and re.fullmatch(pattern + r"\n", run.stderr)
    survived = name.startswith(MAY_SURVIVE) and run.returncode == 0 and not run.stderr
    if (died or survived) and not run.stdout:
        return 0
    print(f"{name}: want SIGABRT and one line\n  {pattern}\nseen exit status {run.returncode}, "
          f"stdout {run.stdout!r}, stderr\n  {run.stderr!r}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
