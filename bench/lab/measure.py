"""Runs every case on every contestant, interleaved.

A case begins with a round that warms up and is not counted. Then, in each round, every contestant
runs once before any runs again, and each round begins with the next contestant: a slow phase of the
machine hits all of them, and none is always first. With two contestants this is A B B A A B B A.
One that fails leaves the case; the others go on.
"""
import time
from dataclasses import dataclass

from lab import counting
from lab.errors import RunFailed
from lab.progress import Progress
from lab.run import figures, run_once


@dataclass
class Settings:
    rounds: int
    timeout: float
    counts: tuple = ()           # of "syscalls", "instructions"
    budget: float | None = None  # seconds for everything; rounds are left out to keep it
    least_rounds: int = 2


class Measurement:
    """Everything measured so far; `results` maps case -> contestant's name -> rows."""

    def __init__(self, cases, contestants, settings, store, on_case=None):
        self.cases, self.contestants, self.settings = cases, contestants, settings
        self.store, self.on_case = store, on_case or (lambda case, rows: None)
        self.results = {}
        self.started = time.monotonic()
        self.progress = Progress(len(cases))

    def run(self):
        try:
            for number, case in enumerate(self.cases):
                CaseRun(self, number, case).run()
                self.progress.clear()
                self.on_case(case, self.results[case])
        finally:
            self.progress.clear()

    def seconds_for(self, number):
        """The budget's share of case `number`."""
        left = self.settings.budget - (time.monotonic() - self.started)
        return left / (len(self.cases) - number)


class CaseRun:
    def __init__(self, measurement, number, case):
        self.all, self.number, self.case = measurement, number, case
        self.settings, self.store = measurement.settings, measurement.store
        self.rows = {c.name: self.store.rows_of(c, case) for c in measurement.contestants}
        measurement.results[case] = self.rows
        self.contestants = [c for c in measurement.contestants if not self.has_failed(c.name)]
        self.counts, self.output = {}, None

    def has_failed(self, name):
        return any(row["status"] != "ok" for row in self.rows[name])

    def run(self):
        rounds = self.settings.rounds
        if all(len(self.rows[c.name]) >= rounds for c in self.contestants):
            return
        share = self.settings.budget and self.all.seconds_for(self.number)
        started = time.monotonic()
        for contestant in list(self.contestants):
            self.attempt(contestant, 0, 0)
        if share:
            rounds = self.affordable(share, time.monotonic() - started)
        for contestant in self.contestants:
            self.counts[contestant.name] = counting.extra_counts(
                self.case, contestant, self.settings.timeout, self.settings.counts)
        for number in range(1, rounds + 1):
            self.round(number, rounds)

    def affordable(self, share, warm_up):
        """How many rounds like the warm-up fit into the rest of the case's share."""
        fit = int((share - warm_up) / warm_up)
        return min(self.settings.rounds, max(self.settings.least_rounds, fit))

    def round(self, number, rounds):
        turn = (number - 1) % max(1, len(self.contestants))
        for contestant in self.contestants[turn:] + self.contestants[:turn]:
            if not any(row["round"] == number for row in self.rows[contestant.name]):
                self.attempt(contestant, number, number / (rounds + 1))

    def attempt(self, contestant, number, part):
        """One run; round 0 is the warm-up, of which only failures are kept."""
        stage = f"round {number}" if number else "warm-up"
        self.all.progress.step(self.number, part, f"{self.case}: {stage}, {contestant.name}")
        try:
            row = self.measured(contestant)
        except RunFailed as failed:
            self.contestants.remove(contestant)
            row = {"status": failed.status, "note": failed.note}
        if number or row["status"] != "ok":
            row = self.store.add(contestant, self.case, number, row)
            self.rows[contestant.name].append(row)

    def measured(self, contestant):
        counts = dict(self.counts.get(contestant.name, {}))
        if counting.perf_works():
            report, found = counting.counted(self.case, contestant, self.settings.timeout, "perf")
            counts = {**found, **counts}
        else:
            report = run_once(self.case, contestant, self.settings.timeout)
        self.output = self.output or report.get("output")
        if report.get("output") != self.output:
            raise RunFailed("crash", "prints something else than the first allocator")
        return {**figures(report), **counts}
