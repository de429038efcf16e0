#!/usr/bin/env python3
"""Run `sampled` with every block sampled: each bug is reported, with callers, and is fatal.

run_sampled.py PROGRAM
"""
import os
import re
import resource
import signal
import subprocess
import sys

# bug: (signal, what is said of P, whether the callers of free are known)
BUGS = {
    "read_after_free": (signal.SIGSEGV, "use after free at P+3: byte 3 of a block of 40", True),
    "write_after_free": (signal.SIGSEGV, "use after free at P+3: byte 3 of a block of 40", True),
    "read_beyond": (signal.SIGSEGV, "access outside a block at P+48: byte 48 of a block of 40",
                    False),
    "read_before": (signal.SIGSEGV, "access outside a block at P-4096: byte -4096 of a block of 40",
                    False),
    "write_beyond": (signal.SIGABRT, "write past the end of P: the callers above allocated it",
                     False),
    "double_free": (signal.SIGABRT, "double free of P: it was freed before, by the callers above",
                    True),
}


def wrong_with(program, bug):
    """None, or what was wrong."""
    died_of, said, freed = BUGS[bug]
    run = subprocess.run([program, bug], capture_output=True, text=True, timeout=60,
                         env=dict(os.environ, HAKMEM_SAMPLE="1"))
    address = int(run.stdout, 16)
    said = re.sub(r"P([+-]\d+)?", lambda match: hex(address + int(match[1] or 0)), said, count=1)
    caller = rf"  {re.escape(os.path.realpath(program))}\+0x[0-9a-f]+"
    lists = re.split(r"hakmem: callers near the (?:allocation|free):\n", run.stderr)[1:]
    known = [re.search(caller, callers) for callers in lists]
    if (run.returncode == -died_of and f"hakmem: {said}\n" in run.stderr and all(known)
            and len(known) == 1 + freed):
        return None
    return f"{bug}: exit status {run.returncode}, want hakmem: {said}, seen\n{run.stderr}"


def main():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    problems = [problem for bug in BUGS if (problem := wrong_with(sys.argv[1], bug))]
    sys.exit("\n".join(problems) or 0)


if __name__ == "__main__":
    main()
