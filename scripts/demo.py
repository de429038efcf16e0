#!/usr/bin/env python3
"""Demonstration: real programs on the system allocator and on hakmem in turn.

Prints time and peak RSS of both and the proof that hakmem served the run: the line which each
process prints at its end under HAKMEM_VERBOSE=1, or the maps of a server that is running.
"""
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
from programs import launch  # noqa: E402
from programs.definitions import PROGRAMS  # noqa: E402

ROUNDS = 3
SHOWN = ("python3", "gcc", "sqlite3", "redis")


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def served(program, outcome):
    """How many processes say that hakmem served them."""
    if program.is_server:
        return int(outcome.preloaded)
    return sum(line.startswith("hakmem ") for line in outcome.errors)


def compare(program, folder, library):
    """One line of the table; the first pair of runs warms up and gives the proof."""
    def run(preload, verbose="0"):
        return launch.run(program, folder, 1, preload, extra={"HAKMEM_VERBOSE": verbose})

    progress(f"{program.title}: proof")
    program.prepare(folder, 1)
    expected, proof = run(None), run(library, "1")
    if proof.output != expected.output:
        raise launch.Failed("prints something else on hakmem")
    runs = {None: [], library: []}
    for number in range(ROUNDS):
        for preload, results in runs.items():
            allocator = "hakmem" if preload else "system"
            progress(f"{program.title}: round {number + 1} of {ROUNDS}, {allocator}")
            results.append(run(preload))
    progress("")
    seconds = [statistics.median(run.seconds for run in results) for results in runs.values()]
    peaks = [statistics.median(run.peak_kib for run in results) / 1024 for results in runs.values()]
    count = served(program, proof)
    proven = {0: "NO", 1: "yes"}.get(count, f"yes ({count} processes)")
    ratio = seconds[1] / seconds[0]
    print(f"{program.title:25} {seconds[0]:7.2f} s {seconds[1]:7.2f} s {ratio:7.2f}"
          f" {peaks[0]:10.1f} MiB {peaks[1]:8.1f} MiB   {proven}", flush=True)
    return bool(count)


def main():
    library = sys.argv[1]
    for name in [name for name in os.environ if name.startswith("HAKMEM_")]:
        del os.environ[name]
    print(f"{'':26} ------ median time ------- ------ peak RSS -------")
    print(f"{'program':25} {'system':>9} {'hakmem':>9} {'ratio':>7} {'system':>14} {'hakmem':>12}"
          "   served by hakmem", flush=True)
    good = ran = 0
    for program in (program for program in PROGRAMS if program.name in SHOWN):
        if missing := program.missing():
            print(f"{program.title:25} not run: {', '.join(missing)} is not installed", flush=True)
            continue
        ran += 1
        with tempfile.TemporaryDirectory(prefix="hakmem-demo-") as folder:
            try:
                good += compare(program, Path(folder), library)
            except launch.Failed as error:
                progress("")
                print(f"{program.title:25} FAILED: {error}", flush=True)
    print("\nA ratio below 1.00 is faster on hakmem. Proof: with HAKMEM_VERBOSE=1 each process that"
          "\nhakmem served prints a line at its end; redis-server has the library in its"
          " maps.")
    sys.exit(0 if ran and good == ran else 1)


if __name__ == "__main__":
    main()
