#!/usr/bin/env python3
"""Run every case of hak_bench for a moment and check that what it prints is what it promises."""
import argparse
import json
import math
import subprocess
import sys

SECONDS = 0.05
UNITS = {"Mops/s": "higher", "ns": "lower", "ms": "lower", "MiB": "lower"}
COUNTS = {"operations", "seed", "peak_rss_kib", "end_rss_kib", "minor_faults",
          "voluntary_switches", "involuntary_switches"}
FIELDS = COUNTS | {"workload", "threads", "value", "unit", "better", "seconds", "malloc"}
PERCENTILES = ["p50", "p99", "p999", "p9999", "max"]

# What must be refused, each with exit status 2 and one line.
BAD = ["", "nothing", "pair slots=1", "pair min=0", "pair min=100 max=10", "pair min=1e3",
       "pair seconds=0", "pair seconds=nan", "pair threads=65", "pair min", "random sizes=odd",
       "remote threads=3", "remote batch=9 batch_max=8", "fifo slots=-1"]


class Wrong(Exception):
    """Something that is not as promised."""


def expect(true, what):
    if not true:
        raise Wrong(what)


def run(program, arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)


def check_workload(workload):
    expect(UNITS[workload["unit"]] == workload["better"], "unit and direction do not fit")
    expect(workload["cases"], "no cases")
    expect(all(workload[key] for key in ("group", "stands_for", "stresses", "source")), "no text")


def check_result(result, workload, threads):
    expected = FIELDS | ({"latency_ns"} if workload["group"] == "latency" else set())
    expect(set(result) == expected, f"fields {sorted(set(result) ^ expected)}")
    for key in ("unit", "better"):
        expect(result[key] == workload[key], key)
    expect((result["workload"], result["threads"]) == (workload["name"], threads), "another row")
    expect(all(isinstance(result[key], int) and result[key] >= 0 for key in COUNTS), "a count")
    expect(math.isfinite(result["value"]) and result["value"] > 0, f"value {result['value']}")
    expect(result["operations"] > 0 and result["malloc"], "nothing done")
    if workload["timed"]:
        expect(result["seconds"] >= SECONDS, "ended early")
    if "latency_ns" in result:
        values = [result["latency_ns"][name] for name in PERCENTILES]
        expect(values == sorted(values) and result["value"] == values[1], f"percentiles {values}")


def rows(workloads):
    for workload in workloads:
        for case in workload["cases"]:
            for threads in case.get("threads", workload["threads"]):
                yield workload, case, threads


def check_row(program, workload, case, threads):
    arguments = [workload["name"], *case["arguments"].split(), f"threads={threads}",
                 f"seconds={SECONDS}"]
    try:
        done = run(program, arguments)
        expect(done.returncode == 0, f"exit status {done.returncode}: {done.stderr.strip()}")
        check_result(json.loads(done.stdout), workload, threads)
    except (Wrong, ValueError, KeyError, subprocess.TimeoutExpired) as error:
        return [f"hak_bench {' '.join(arguments)}: {error}"]
    return []


def check_refusals(program):
    for arguments in BAD:
        done = run(program, arguments.split())
        if done.returncode != 2 or done.stdout or done.stderr.count("\n") != 1:
            yield f"hak_bench {arguments}: exit status {done.returncode}, not refused"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="hak_bench")
    program = parser.parse_args().program

    workloads = json.loads(run(program, ["--list"]).stdout)
    for workload in workloads:
        check_workload(workload)
    table = list(rows(workloads))
    keys = {(w["name"], c["title"], t) for w, c, t in table}
    errors = [] if len(keys) == len(table) else ["two rows have the same name"]
    for row in table:
        errors += check_row(program, *row)
    errors += check_refusals(program)
    print(*errors, f"{len(table)} rows, {len(errors)} errors", sep="\n")
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
