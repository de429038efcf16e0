#!/usr/bin/env python3
"""Stress hakmem for minutes or a night: resident memory and the number of mappings must not grow.

Runs tests/stress with 1, 2, 4, 10 and 32 threads in turn, with a new seed each time, until the time
is over.  One line a run; a failed run ends it with its seed.
"""
import argparse
import itertools
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build-soak"
THREADS = [1, 2, 4, 10, 32]
SAMPLES = 20  # of memory in a run
GROWTH = 1.25  # the second half of a run may peak so much higher than the first
SLACK_KIB, SLACK_MAPS = 16 * 1024, 50


def build():
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["meson", "setup", "--buildtype=release", "-Dbench=false", BUILD, ROOT],
                       check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", BUILD, "tests/stress/stress"], check=True,
                   stdout=subprocess.DEVNULL)


def sample(pid):
    """Resident KiB and number of mappings."""
    status = Path(f"/proc/{pid}/status").read_text()
    resident = int(status.split("VmRSS:")[1].split()[0]) if "VmRSS:" in status else 0
    return resident, len(Path(f"/proc/{pid}/maps").read_text().splitlines())


def grown(samples, slack):
    half = len(samples) // 2
    return max(samples[half:]) > max(samples[:half]) * GROWTH + slack


def soak(threads, seconds, seed):
    run = subprocess.Popen([BUILD / "tests/stress/stress", str(threads), str(seconds), str(seed)],
                           stdout=subprocess.DEVNULL)
    samples = []
    for _ in range(SAMPLES):
        time.sleep(seconds / (SAMPLES + 1))
        samples.append(sample(run.pid))
    if run.wait() != 0:
        return f"exit status {run.returncode}"
    resident, maps = zip(*samples)
    print(f"{threads:2} threads, seed {seed}: at most {max(resident) >> 10} MiB, "
          f"{max(maps)} mappings", flush=True)
    if grown(resident, SLACK_KIB) or grown(maps, SLACK_MAPS):
        return f"memory grows: {samples}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("minutes", type=float)
    minutes = parser.parse_args().minutes
    if minutes <= 0:
        parser.error("minutes must be positive")
    build()
    end = time.monotonic() + minutes * 60
    seconds = max(2.0, min(120.0, minutes * 60 / len(THREADS)))
    for round_, threads in enumerate(itertools.cycle(THREADS)):
        if time.monotonic() >= end:
            break
        seed = int(time.time()) + round_
        if problem := soak(threads, seconds, seed):
            sys.exit(f"FAIL: {threads} threads, {seconds} s, seed {seed}: {problem}")


if __name__ == "__main__":
    main()
