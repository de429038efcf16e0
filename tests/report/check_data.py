#!/usr/bin/python3
"""The report's figures on rows whose answers are known, and what it says of files it cannot use."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import matplotlib # noqa: F401
    import scipy # noqa: F401

    import sample
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

REPORT = pathlib.Path(__file__).resolve().parents[2] / "bench/report"
sys.path.insert(0, str(REPORT))
from page_data import page_data # noqa: E402
from rows import COLUMNS, parse # noqa: E402

PLAIN = dict.fromkeys(COLUMNS, "") | {
    "date": "2025-11-20T09:00:00Z", "allocator": "hakmem", "workload": "pair", "threads": "1",
    "round": "1", "unit": "Mops/s", "better": "higher", "value": "100", "status": "ok",
    "peak_rss_kib": "2000"}


def data_of(*changes):
    return page_data([parse(PLAIN | change) for change in changes])


class Figures(unittest.TestCase):
    def test_means_are_of_time_and_relative_to_the_best(self):
        data = data_of({}, {"allocator": "glibc", "value": "50"},
                       {"workload": "cold", "unit": "ms", "better": "lower", "value": "8"},
                       {"workload": "cold", "unit": "ms", "better": "lower", "value": "1",
                        "allocator": "glibc", "peak_rss_kib": "8000"})
        means = data["builds"][0]["overview"]["time"]
        self.assertAlmostEqual(means["hakmem"]["mean"], 8 ** 0.5, places=4)
        self.assertAlmostEqual(means["glibc"]["mean"], 2 ** 0.5, places=4)
        memory = data["builds"][0]["overview"]["memory"]
        self.assertAlmostEqual(memory["hakmem"]["mean"], 1, places=4)
        self.assertAlmostEqual(memory["glibc"]["mean"], 2, places=4)

    def test_what_is_kept_is_no_time(self):
        data = data_of({"unit": "MiB", "better": "lower"},
                       {"unit": "MiB", "better": "lower", "allocator": "glibc", "value": "300"})
        overview = data["builds"][0]["overview"]
        self.assertEqual(overview["time"], {})
        self.assertAlmostEqual(overview["kept"]["glibc"]["mean"], 3, places=4)

    def test_the_median_counts_and_whoever_reaches_the_best_is_level(self):
        values = {"hakmem": (90, 100, 104), "glibc": (95, 99, 103), "mimalloc": (50, 51, 52)}
        data = data_of(*({"allocator": name, "value": str(value), "round": str(number)}
                         for name, runs in values.items() for number, value in enumerate(runs)))
        case = data["builds"][0]["cases"][0]
        self.assertEqual(case["cells"]["hakmem"]["value"], 100)
        self.assertEqual(case["cells"]["hakmem"]["ratio"], 1)
        self.assertEqual(case["leaders"], ["hakmem", "glibc"])

    def test_noisy_cases_do_not_count_in_the_means(self):
        noisy = [{"allocator": name, "value": str(value)}
                 for name in ("hakmem", "glibc") for value in (10, 100, 300)]
        build = data_of(*noisy)["builds"][0]
        self.assertTrue(build["cases"][0]["noisy"])
        self.assertEqual(build["overview"]["time"], {})

    def test_one_failed_run_takes_the_allocator_out_of_the_case(self):
        build = data_of({}, {"allocator": "glibc"},
                        {"allocator": "glibc", "value": "", "status": "wrong", "note": "served"},
                        )["builds"][0]
        self.assertEqual(build["cases"][0]["cells"]["glibc"], {"failed": "wrong"})
        self.assertEqual(build["failures"][0]["note"], "served")

    def test_a_value_of_nothing_has_no_ratio(self):
        build = data_of({"value": "0"}, {"allocator": "glibc"})["builds"][0]
        self.assertIsNone(build["cases"][0]["cells"]["hakmem"]["ratio"])

    def test_history_has_a_point_for_each_command_and_builds_are_pooled(self):
        data = data_of({"commit": "a"}, {"commit": "a", "allocator": "glibc"},
                       {"commit": "a", "date": "2025-11-21T09:00:00Z"},
                       {"commit": "b", "date": "2025-11-22T09:00:00Z", "value": "120"})
        self.assertEqual([build["commit"] for build in data["builds"]], ["b", "a"])
        self.assertEqual(len(data["history"]["points"]), 3)
        self.assertEqual(data["history"]["cases"][0]["lines"]["hakmem"], [100, 100, 120])


class BadFiles(unittest.TestCase):
    def refuse(self, text, message):
        """The report ends with one line that names the file and ends with the message."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "bad.csv"
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            done = subprocess.run([sys.executable, REPORT / "make_report.py", path, "-o",
                                   path.with_suffix(".html")], capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr, f"{path}:{message}\n")
            self.assertFalse(path.with_suffix(".html").exists())

    def refuse_row(self, message, **change):
        lines = [COLUMNS, PLAIN.values(), (PLAIN | change).values()]
        self.refuse("\n".join(",".join(fields) for fields in lines), "3: " + message)

    def test_columns_and_rows(self):
        header = ",".join(COLUMNS)
        self.refuse("", "1: the file is empty")
        self.refuse(header.replace("status,", "") + "\n", "1: no column 'status'")
        self.refuse(header + "\n", "1: a header, but no rows")
        self.refuse(header + "\n1,2\n", "2: not as many fields as the header has")
        self.refuse('"date', "1: unexpected end of data")
        self.refuse(b"\xff", "1: 'utf-8' codec can't decode byte 0xff in position 0: "
                    "invalid start byte")

    def test_fields(self):
        self.refuse_row("unknown status 'fine'", status="fine")
        self.refuse_row("unknown better 'faster'", better="faster")
        self.refuse_row("value is 'x', not a number from 0", value="x")
        self.refuse_row("value is 'nan', not a number from 0", value="nan")
        self.refuse_row("value is '-1', not a number from 0", value="-1")
        self.refuse_row("status is ok, but there is no value", value="")
        self.refuse_row("threads is 'two', not a whole number", threads="two")
        self.refuse_row("date is 'yesterday', not ISO 8601", date="yesterday")
        self.refuse_row("no allocator", allocator="")

    def test_no_such_file(self):
        done = subprocess.run([sys.executable, REPORT / "make_report.py", "/nonexistent.csv", "-o",
                               "/dev/null"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr),
                         (1, "/nonexistent.csv: No such file or directory\n"))


class Picture(unittest.TestCase):
    def test_it_is_an_svg_with_every_allocator(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            sample.write(path / "sample.csv", sample.sample_rows())
            subprocess.run([sys.executable, REPORT / "make_picture.py", path / "sample.csv", "-o",
                            path / "results.svg"], check=True)
            text = (path / "results.svg").read_text()
        self.assertIn("<svg", text)
        for name in sample.ALLOCATORS:
            self.assertIn(f">{name}<", text)


if __name__ == "__main__":
    unittest.main()
