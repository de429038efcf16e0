"""What many runs come to: medians with intervals, figures relative to the best, geometric means."""
import dataclasses
import functools

import numpy
from scipy.stats import gmean

import rows as lab_rows
from lab import stats

RESAMPLES = 1000
MEMORY_UNIT = "MiB" # cases in this unit count what is kept; all others count time


class Sample:
    """The values of one figure over the rounds."""

    def __init__(self, runs):
        self.runs = numpy.array(runs)
        self.median = float(numpy.median(self.runs))

    @functools.cached_property
    def resampled(self):
        """Medians of as many runs, drawn with replacement: the bootstrap's view of the noise."""
        draw = numpy.random.default_rng(0).choice(self.runs, (RESAMPLES, len(self.runs)))
        return numpy.median(draw, axis=1)


def interval(resampled):
    """The 95 % interval of a bootstrapped figure."""
    return [float(bound) for bound in numpy.percentile(resampled, (2.5, 97.5))]


@dataclasses.dataclass
class Case:
    """One line of the table: a workload's case at a number of threads, on every allocator."""
    group: str
    workload: str
    case: str
    threads: int
    unit: str
    better: str
    samples: dict # allocator -> figure -> Sample; only those of which no run failed
    failures: dict # allocator -> its rows, when one of them failed

    @property
    def key(self):
        return self.workload, self.case, self.threads, self.unit

    def ratio(self, allocator, figure="cost", resampled=False):
        """How many times the best's time or memory the allocator needs, or None."""
        found = {name: figures[figure] for name, figures in self.samples.items()
                 if figure in figures and figures[figure].runs.min() > 0}
        if allocator not in found:
            return None
        values = found[allocator].resampled if resampled else found[allocator].median
        return values / min(sample.median for sample in found.values())

    def leaders(self):
        """Who is best, or so close that the intervals touch; nobody in a noisy case."""
        if self.is_noisy():
            return []
        ratios = {name: self.ratio(name) for name in self.samples if self.ratio(name)}
        bounds = {name: interval(self.ratio(name, resampled=True)) for name in ratios}
        reach = min((bounds[name][1] for name in ratios if ratios[name] == 1), default=0)
        return [name for name in ratios if bounds[name][0] <= reach]

    def is_noisy(self, allocator=None):
        """By the rule of the lab: an allocator's runs, or without one those of most."""
        runs = {name: figures["cost"].runs for name, figures in self.samples.items()
                if "cost" in figures}
        return stats.is_noisy_row(runs.values()) if allocator is None else (
            allocator in runs and stats.is_noisy(runs[allocator]))


def samples_of(runs):
    """The figures of one allocator. What is better when small counts as cost: time itself, or the
    inverse of a rate."""
    columns = {"value": [run.value for run in runs]}
    if min(columns["value"]) > 0:
        columns["cost"] = [1 / run.value if run.better == "higher" else run.value for run in runs]
    for name in lab_rows.COSTS + lab_rows.LATENCIES:
        known = [run.figures[name] for run in runs if run.figures[name] is not None]
        if known:
            columns[name] = known
    return {name: Sample(values) for name, values in columns.items()}


def cases_of(rows):
    """The cases in the order of the suite, which is that of the rows; threads ascending."""
    found, order = {}, {}
    for row in rows:
        key = row.group, row.workload, row.case, row.threads, row.unit, row.better
        found.setdefault(key, {}).setdefault(row.allocator, []).append(row)
        order.setdefault(key[0], len(order))
        order.setdefault(key[:3], len(order))
    cases = []
    for key in sorted(found, key=lambda key: (order[key[0]], order[key[:3]], key[3])):
        failed = {name: runs for name, runs in found[key].items()
                  if any(run.status != "ok" for run in runs)}
        samples = {name: samples_of(runs) for name, runs in found[key].items()
                   if name not in failed}
        cases.append(Case(*key, samples, failed))
    return cases


def geometric_mean(cases, allocator, figure="cost"):
    """Mean and interval over the cases with a rival; of time, over those that are not noisy."""
    cases = [case for case in cases if len(case.samples) > 1 and case.ratio(allocator, figure)
             and not (figure == "cost" and case.is_noisy())]
    if not cases:
        return None
    low, high = interval(gmean([case.ratio(allocator, figure, True) for case in cases], axis=0))
    return {"mean": float(gmean([case.ratio(allocator, figure) for case in cases])),
            "low": low, "high": high}


def timed(cases):
    return [case for case in cases if case.unit != MEMORY_UNIT]


def kept(cases):
    return [case for case in cases if case.unit == MEMORY_UNIT]


def by_importance(allocators):
    """hakmem first, then the system's, then the others by name."""
    return sorted(set(allocators), key=lambda name: (not name.startswith("hakmem"),
                                                     name != "glibc", name))
