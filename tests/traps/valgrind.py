#!/usr/bin/env python3
"""Trap 23: a hakmem program under valgrind, with valgrind's malloc and with hakmem's.

valgrind 3.19 warns about process_madvise, which it does not know: switched off.

Which one served shows in what HAKMEM_VERBOSE says was mapped.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

SKIPPED = 77
KEEP_HAKMEM = "--soname-synonyms=somalloc=nouserintercepts"


def run(command):
    """Return the output, and whether hakmem mapped memory; end the test if it fails."""
    result = subprocess.run(command, text=True,
                            env=dict(os.environ, HAKMEM_VERBOSE="1", HAKMEM_PURGE_TOGETHER="0"),
                            capture_output=True, timeout=100, check=False)
    mapped = re.fullmatch(r"hakmem .*KiB mapped at most: (\d+);.*\n", result.stderr)
    if result.returncode != 0 or not mapped:
        sys.exit(f"{command}: status {result.returncode}, stderr:\n{result.stderr}")
    return result.stdout, mapped[1] != "0"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    program = parser.parse_args().program
    if not shutil.which("valgrind"):
        print("valgrind is not installed")
        sys.exit(SKIPPED)
    valgrind = ["valgrind", "-q", "--error-exitcode=9"]
    alone, _ = run([program])
    for options, served_by_hakmem in ([], False), ([KEEP_HAKMEM], True):
        output, served = run([*valgrind, *options, program])
        if output != alone or served != served_by_hakmem:
            sys.exit(f"valgrind {options}: output {output!r}, alone {alone!r}; "
                     f"served by hakmem: {served}, expected: {served_by_hakmem}")


if __name__ == "__main__":
    main()
