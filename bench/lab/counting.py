"""Counts that need a tool around the program: system calls, instructions, the processor's events.

strace and valgrind get a run of their own before the timed ones. `perf stat` costs nothing to speak
of and goes around the timed runs, on machines where it can count at all.
"""
import functools
import re
import subprocess
import tempfile
from pathlib import Path

from lab.errors import RunFailed
from lab.run import run_once

PERF_EVENTS = {"instructions": "instructions", "cycles": "cycles", "cache-misses": "cache_misses"}
SLOWDOWN = 10  # what a run's time limit is multiplied by inside a tool


@functools.cache
def perf_works():
    try:
        done = subprocess.run(["perf", "stat", "-x,", "-e", "instructions", "true"],
                              capture_output=True, text=True)
    except OSError:
        return False
    return done.returncode == 0 and bool(parse_perf(done.stderr))


def parse_perf(text):
    """column -> count, from `perf stat -x,`; events that the machine cannot count are left out."""
    counts = {}
    for line in text.splitlines():
        fields = line.split(",")
        event = fields[2].partition(":")[0] if len(fields) > 2 else ""
        if event in PERF_EVENTS and fields[0].isdecimal():
            counts[PERF_EVENTS[event]] = int(fields[0])
    return counts


def parse_strace(text):
    """The number of calls on the last line, "total", of `strace -c`."""
    found = re.search(r"^\s*[\d.]+\s+[\d.]+\s+\d*\s+(\d+).*\btotal$", text, re.M)
    return {"memory_syscalls": int(found[1])} if found else {"memory_syscalls": 0}


def parse_callgrind(text):
    found = re.search(r"Collected : (\d+)", text)
    return {"instructions": int(found[1])} if found else {}


TOOLS = {
    "syscalls": (["strace", "-f", "-qq", "-c", "-e", "trace=memory", "-o"], parse_strace),
    "instructions": (["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                      "--log-file="], parse_callgrind),
    "perf": (["perf", "stat", "-x,", "-e", ",".join(PERF_EVENTS), "-o"], parse_perf),
}


def counted(case, contestant, timeout, name):
    """One run inside a tool: what the suite reports, with the tool's counts per operation."""
    argv, parse = TOOLS[name]
    with tempfile.TemporaryDirectory(prefix="hakmem-count-") as folder:
        out = Path(folder) / "out"
        tool = [*argv[:-1], argv[-1] + str(out)] if argv[-1].endswith("=") else [*argv, str(out)]
        report = run_once(case, contestant, timeout, tool)
        counts = parse(out.read_text()) if out.exists() else {}
    operations = report.get("operations") or 1
    return report, {column: float(f"{count / operations:.6g}") for column, count in counts.items()}


def extra_counts(case, contestant, timeout, wanted):
    """The counts of runs of their own; a tool that fails leaves its column empty."""
    counts = {}
    for name in wanted:
        if name == "instructions" and case.takes_preload:
            continue  # real programs take minutes in valgrind
        try:
            counts.update(counted(case, contestant, timeout * SLOWDOWN, name)[1])
        except RunFailed:
            pass
    return counts
