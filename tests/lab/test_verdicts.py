"""The verdict rule on noise made by hand: equal builds are equal, real differences are seen."""
import contextlib
import io
import tempfile
import unittest

import support  # noqa: F401  (finds bench/, or skips)
import numpy as np

from lab import ab, stats
from lab.table import Table

ROWS, BLOCKS = 20, 8


def gauss(random, count):
    return random.normal(0, 0.03, count)


def heavy(random, count):
    return 0.02 * random.standard_t(2, count)


def spikes(random, count):
    return random.normal(0, 0.01, count) + np.where(random.random(count) < 0.15,
                                                    random.exponential(0.4, count), 0)


def drift(random, count):
    return np.cumsum(random.normal(0, 0.02, count))


def two_modes(random, count):
    return random.choice([0, 0.15], count) + random.normal(0, 0.005, count)


def verdicts(noise, effect, rows=ROWS, seed=1):
    """Verdicts of `rows` rows in which the changed build takes `effect` more (a log)."""
    random = np.random.default_rng(seed)
    for _ in range(rows):
        a1, b1, b2, a2 = np.exp(noise(random, 4 * BLOCKS)).reshape(-1, 4).T
        base, changed = np.column_stack([a1, a2]), np.column_stack([b1, b2]) * np.exp(effect)
        yield stats.judge(*stats.block_ratios(base.ravel(), changed.ravel()), rows).text


class Verdicts(unittest.TestCase):
    def test_equal_builds_are_equal_in_19_of_20_rows(self):
        for noise in (gauss, heavy, spikes, drift, two_modes):
            texts = list(verdicts(noise, 0))
            self.assertGreaterEqual(texts.count("no difference beyond noise"), 19, noise.__name__)

    def test_a_difference_is_seen_and_has_a_direction(self):
        for effect, text in ((0.1, "worse"), (-0.1, "better")):
            self.assertGreaterEqual(list(verdicts(gauss, effect)).count(text), 18)
            self.assertGreaterEqual(list(verdicts(drift, effect)).count(text), 18)

    def test_a_tiny_difference_is_none_however_sure(self):
        effect, noise = np.full(8, 0.005), np.zeros(8)
        self.assertEqual(stats.judge(effect, noise, 1).text, "no difference beyond noise")

    def test_a_steady_drift_cancels(self):
        costs = np.exp(0.05 * np.arange(16)).reshape(-1, 4)
        effect, _ = stats.block_ratios(costs[:, [0, 3]].ravel(), costs[:, [1, 2]].ravel())
        self.assertTrue(np.allclose(effect, 0))


class Noise(unittest.TestCase):
    def test_spread(self):
        self.assertFalse(stats.is_noisy([100, 101, 102, 103, 180]))  # one run does not make it
        self.assertTrue(stats.is_noisy([80, 90, 100, 110, 120]))
        quiet, loud = [100, 101, 102], [80, 100, 120]
        self.assertFalse(stats.is_noisy_row([quiet, quiet, loud]))
        self.assertTrue(stats.is_noisy_row([quiet, loud, loud]))


class Case:
    label, unit, better = "case", "ms", "lower"

    def __str__(self):
        return self.label


def rows(name, *values):
    return [{"allocator": name, "value": value, "better": "lower", "status": "ok",
             "peak_rss_kib": 1024 * value} for value in values]


class Tables(unittest.TestCase):
    def printed(self, results):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            table = Table(list(results))
            table.begin()
            table.case(Case(), results)
            table.end()
        return out.getvalue()

    def test_relative_to_the_best_and_to_glibc(self):
        text = self.printed({"glibc": rows("glibc", 4, 4), "fast": rows("fast", 2, 2),
                             "bad": [{"allocator": "bad", "status": "crash", "note": "why"}]})
        lines = [line.split() for line in text.splitlines() if line.startswith("case ")]
        self.assertEqual(lines[0], ["case", "2.00", "1.00", "crash", "2", "ms"])
        self.assertEqual(lines[1], ["case", "1.00", "0.50", "-", "4", "MiB"])
        self.assertIn("case: bad: crash: why", text)
        self.assertNotIn("\033", text)

    def test_markdown_is_replaced_between_its_markers(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/ab.md"
            for name, text in (("one", "1\n"), ("two", "2\n"), ("one", "3\n")):
                ab.write_markdown(path, name, text)
            with open(path) as file:
                written = file.read()
        self.assertIn("<!-- begin one -->\n3\n<!-- end one -->", written)
        self.assertIn("<!-- begin two -->\n2\n<!-- end two -->", written)
        self.assertNotIn("1\n<!--", written)


if __name__ == "__main__":
    unittest.main()
