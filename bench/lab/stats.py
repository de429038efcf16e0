"""The statistics of the lab, in one place; scipy does the work."""
from dataclasses import dataclass

import numpy as np
from scipy import stats

# A value is marked when the middle half of its runs spreads over more than this part of the median:
# the table is read for differences of ten percent, and such a value could show one by chance.
NOISY_SPREAD = 0.10

TRIM = 0.2             # of the runs at each end are ignored: neighbours on the machine cause spikes
CONFIDENCE = 0.95
SMALLEST_EFFECT = 1.01  # the place of code in memory alone moves figures by about a percent
RESAMPLES = 9999


def spread(values):
    """The distance between the quartiles as a part of the median."""
    return float(stats.iqr(values) / np.median(values)) if np.median(values) else 0.0


def is_noisy(values):
    return spread(values) > NOISY_SPREAD


def is_noisy_row(lists):
    """More than half the allocators are noisy: the machine or the workload is, not one of them."""
    return 2 * sum(map(is_noisy, lists)) > len(lists)


def geometric_mean(values):
    return float(stats.gmean(values))


def centre(values, axis=-1):
    return stats.trim_mean(values, TRIM, axis=axis)


def interval(values, confidence):
    """Bootstrap confidence interval of the trimmed mean."""
    if np.ptp(values) == 0:
        return values[0], values[0]
    found = stats.bootstrap((values,), centre, n_resamples=RESAMPLES, method="percentile",
                            confidence_level=confidence, random_state=np.random.default_rng(1))
    return found.confidence_interval


@dataclass(frozen=True)
class Verdict:
    """`ratio` of the costs, changed to base, its 95 % interval, and what noise alone reaches."""
    ratio: float
    low: float
    high: float
    floor: float
    text: str


def judge(effect, noise, rows):
    """A verdict from the log ratios of pairs, `effect` between two builds, `noise` within one.

    There is a difference when the interval of the effect does not hold 1, at a confidence that
    allows for the number of rows in the table (Bonferroni), and the effect is larger than all that
    the interval of the noise, taken in the same minutes from equal pairs, and SMALLEST_EFFECT hold.
    """
    effect, noise = np.asarray(effect, float), np.asarray(noise, float)
    middle = float(centre(effect))
    floor = max(np.log(SMALLEST_EFFECT), *np.abs(interval(noise, CONFIDENCE)))
    low, high = interval(effect, 1 - (1 - CONFIDENCE) / rows)
    text = "no difference beyond noise"
    if (low > 0 or high < 0) and abs(middle) > floor:
        text = "worse" if middle > 0 else "better"
    return Verdict(*map(float, np.exp([middle, *interval(effect, CONFIDENCE), floor])), text)


def block_ratios(base, changed):
    """(effect, noise) from costs in the order A B B A: a steady drift cancels in the effect."""
    a, b = (np.log(values).reshape(-1, 2) for values in (base, changed))
    effect = (b.sum(axis=1) - a.sum(axis=1)) / 2
    noise = (a[:, 0] - a[:, 1] + b[:, 1] - b[:, 0]) / 2
    return effect, noise
