#!/usr/bin/python3
"""Write a CSV as the lab would: several allocators, threads and commits, latencies, failures."""
import csv
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
from lab.store import COLUMNS # noqa: E402

# allocator: speed, peak RSS
ALLOCATORS = {"hakmem": (1.25, 1.0), "glibc": (0.6, 1.05), "mimalloc": (1.15, 1.15),
              "jemalloc": (0.95, 1.1), "tcmalloc": (1.2, 1.25), "tbbmalloc": (0.45, 1.6)}
# group, workload, case, threads, unit, typical value, typical peak RSS in KiB
CASES = [
    ("founding", "pair", "64 B", [1], "Mops/s", 140, 2000),
    ("founding", "random", "16..1039 B, 256 slots", [1], "Mops/s", 110, 2600),
    ("founding", "random", "16..1039 B, 200000 slots", [1], "Mops/s", 20, 130000),
    ("founding", "larson", "tiny, 8..128 B", [1, 2, 4, 8], "Mops/s", 120, 9000),
    ("founding", "larson", "small, 8..1024 B", [1, 2, 4, 8], "Mops/s", 100, 22000),
    ("founding", "pool", "2..512 KiB", [1, 2, 4, 8], "Mops/s", 8, 60000),
    ("patterns", "remote", "batches of 1024", [2], "Mops/s", 18, 14000),
    ("patterns", "fifo", "100000 x 48 B", [1], "Mops/s", 80, 11000),
    ("patterns", "churn", "short-lived threads", [1, 2, 4], "Mops/s", 0.031, 8000),
    ("patterns", "cold_start", "", [1], "ms", 0.9, 1700),
    ("patterns", "latency", "malloc, random sizes", [1], "ns", 38, 90000),
    ("patterns", "latency", "free, other thread", [2], "ns", 52, 95000),
    ("memory", "idle", "950 MiB freed, 3 s later", [1], "MiB", 240, 980000),
    ("memory", "sparse", "15 of 16 freed", [1], "MiB", 1500, 2200000),
    ("programs", "python3", "python3: json round trip", [1], "ms", 820, 64000),
    ("programs", "sqlite3", "sqlite3: bulk load", [1], "ms", 410, 31000),
]
COMMITS = [("6922855c0ffee0123456789abcdef0123456789a", "2025-11-18T09:00:00Z", 0.8),
           ("a1b2c3d4e5f60718293a4b5c6d7e8f9001122334", "2025-11-19T09:00:00Z", 0.95),
           ("d00dfeedd00dfeedd00dfeedd00dfeedd00dfeed", "2025-11-20T09:00:00Z", 1.0)]
ROUNDS = 5


def value_of(dice, allocator, unit, typical, threads):
    """A plausible figure: good allocators scale, glibc and tbbmalloc less so."""
    speed = ALLOCATORS[allocator][0] * dice.normal(1, 0.03)
    if unit == "MiB":
        return typical / speed ** 2
    if unit == "Mops/s":
        return typical * speed * threads ** (0.95 if speed > 0.8 else 0.55)
    return typical / speed ** 0.3


def sample_rows(commits=COMMITS):
    dice = numpy.random.default_rng(7)
    for commit, start, progress in commits:
        for group, workload, case, counts, unit, typical, peak in CASES:
            habit = {name: dice.lognormal(0, 0.25) for name in ALLOCATORS}
            for threads in counts:
                for number in range(1, ROUNDS + 1):
                    for allocator in ALLOCATORS:
                        value = value_of(dice, allocator, unit, typical, threads)
                        factor = habit[allocator] * (progress if allocator == "hakmem" else 1)
                        value *= factor if unit == "Mops/s" else factor ** -0.3
                        if workload == "remote" or (workload, allocator) == ("fifo", "jemalloc"):
                            value *= dice.uniform(0.4, 1.6)
                        row = dict.fromkeys(COLUMNS, "") | {
                            "date": start,
                            "commit": commit, "options": "header_classidx=false p0_refill=true",
                            "compiler": "gcc 12.2.0", "cpu": "AMD EPYC (2 cores)",
                            "kernel": "6.18.5", "allocator": allocator,
                            "library": f"/usr/lib/x86_64-linux-gnu/lib{allocator}.so",
                            "group": group, "workload": workload, "case": case,
                            "threads": threads, "round": number, "unit": unit,
                            "better": "higher" if unit == "Mops/s" else "lower",
                            "value": f"{value:.5g}", "status": "ok",
                            "peak_rss_kib": int(peak * ALLOCATORS[allocator][1]
                                                * dice.normal(1, 0.01)),
                            "end_rss_kib": int(peak * 0.6), "minor_faults": int(peak / 4),
                            "context_switches": int(dice.integers(3, 40))}
                        if workload == "latency":
                            row |= {"p50_ns": f"{value:.1f}", "p99_ns": f"{value * 3:.1f}",
                                    "p999_ns": f"{value * 40:.0f}",
                                    "p9999_ns": f"{value * 400:.0f}",
                                    "max_ns": f"{value * dice.uniform(4e3, 3e4):.0f}"}
                        yield spoil(row)


def spoil(row):
    """Some runs fail: tcmalloc in one case always, tbbmalloc in another twice."""
    if row["workload"] == "pool" and row["threads"] == 8 and row["allocator"] == "tcmalloc":
        return row | {"status": "crash", "value": "", "note": "signal 11 </script><b>"}
    if row["workload"] == "churn" and row["allocator"] == "tbbmalloc" and row["round"] > 3:
        return row | {"status": "timeout", "value": "", "note": "no answer in 60 s"}
    return row


def write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    write(sys.argv[1], sample_rows())
