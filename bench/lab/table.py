"""The tables on the terminal: one line a case, relative to the best; memory relative to glibc."""
import sys

import numpy as np

from lab import stats

LABEL, CELL = 44, 10
MEMORY_UNIT = "MiB"  # cases in this unit count what is kept, all others time
# Columns of the store that get a table of their own when some tool has counted them.
COUNTS = {"memory_syscalls": "memory system calls per operation",
          "instructions": "instructions per operation",
          "cycles": "cycles per operation",
          "cache_misses": "cache misses per operation"}


def costs(rows):
    """Small is good: time itself, or the inverse of a rate."""
    return [1 / row["value"] if row["better"] == "higher" else row["value"]
            for row in rows if row["status"] == "ok" and row["value"]]


def medians(results, column):
    """name -> median of a column, of those that have it."""
    lists = {name: [row[column] for row in rows if row.get(column) is not None]
             for name, rows in results.items()}
    return {name: float(np.median(values)) for name, values in lists.items() if values}


def bold(text):
    return f"\033[1m{text}\033[0m" if sys.stdout.isatty() else text


def failure(rows):
    return next((row["status"] for row in rows if row["status"] != "ok"), None)


class Table:
    """Prints a line as soon as a case is done, and the summary at the end."""

    def __init__(self, names):
        self.names = names
        self.results = {}
        # Cost relative to the best's, of rows not noisy.
        self.times = {name: [] for name in names}
        self.kept = {name: [] for name in names}
        self.noisy = 0

    def heading(self, title):
        print(f"\n{title:{LABEL}}" + "".join(f"{name:>{CELL}}" for name in self.names), flush=True)

    def line(self, title, cells, tail=""):
        print(f"{title[:LABEL]:{LABEL}}{''.join(cells)}{tail}", flush=True)

    def numbers(self, values, form=".2f"):
        return [f"{format(values[name], form) if name in values else '-':>{CELL - 1}} "
                for name in self.names]

    def begin(self):
        self.heading("time, or memory kept, relative to the best (1.00)")

    def case(self, case, results):
        self.results[case] = results
        lists = {name: costs(rows) for name, rows in results.items()}
        lists = {name: values for name, values in lists.items()
                 if values and not failure(results[name])}
        if not lists:
            self.line(case.label, [f"{failure(results[name]) or '-':>{CELL}}"
                                   for name in self.names])
            return
        best = min(map(np.median, lists.values()))
        noisy = stats.is_noisy_row(list(lists.values()))
        self.noisy += noisy
        cells = [self.cell(results[name], lists.get(name), best) for name in self.names]
        means = self.kept if case.unit == MEMORY_UNIT else self.times
        for name in lists if not noisy else ():
            means[name].append(float(np.median(lists[name]) / best))
        value = 1 / best if case.better == "higher" else best
        self.line(case.label, cells, f"  {value:10.4g} {case.unit}{'  noisy' if noisy else ''}")

    def cell(self, rows, values, best):
        if not values:
            return f"{failure(rows) or '-':>{CELL}}"
        relative = float(np.median(values) / best)
        text = f"{relative:>{CELL - 1}.2f}" + ("~" if stats.is_noisy(values) else " ")
        return bold(text) if relative == 1 else text

    def end(self):
        """Memory, counts, geometric means, failures."""
        memory = self.memory()
        for column, title in COUNTS.items():
            found = {case: medians(results, column) for case, results in self.results.items()}
            if any(found.values()):
                self.heading(title)
            for case, values in found.items():
                if values:
                    self.line(case.label, self.numbers(values, ".3g"))
        self.heading("geometric means")
        self.means("time relative to the best", self.times)
        self.means("memory kept relative to the best", self.kept)
        if any(memory.values()):
            self.means("peak RSS relative to glibc", memory)
        print("\nThe last column is the best value (memory: glibc's). ~ marks a value whose middle"
              f"\nhalf of runs spreads over more than {stats.NOISY_SPREAD:.0%}; where most do,"
              f"\nthe row is noisy and not in the means ({self.noisy} here).")
        self.failures()

    def memory(self):
        """Prints the table of peaks; returns name -> ratios to glibc's."""
        ratios = {name: [] for name in self.names}
        if "glibc" in self.names:
            self.heading("peak RSS relative to glibc")
        for case, results in self.results.items():
            peaks = medians(results, "peak_rss_kib")
            if "glibc" not in peaks:
                continue
            relative = {name: peak / peaks["glibc"] for name, peak in peaks.items()}
            for name, ratio in relative.items():
                ratios[name].append(ratio)
            self.line(case.label, self.numbers(relative), f"  {peaks['glibc'] / 1024:10.4g} MiB")
        return ratios

    def means(self, title, lists):
        self.line(title, self.numbers({name: stats.geometric_mean(values)
                                       for name, values in lists.items() if values}))

    def failures(self):
        lines = [f"{case}: {name}: {row['status']}: {row['note']}"
                 for case, results in self.results.items() for name, rows in results.items()
                 for row in rows if row["status"] != "ok"]
        if lines:
            print("\nFailed:", *lines, sep="\n")
