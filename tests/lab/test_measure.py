"""The runner: order, failures of one allocator, resuming, the budget, the store."""
import io
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from support import FACTS, SUITE, LabTest

from lab import cases, cli, counting, machine
from lab.errors import LabError
from lab.progress import Progress
from lab.store import COLUMNS, Store


class Order(LabTest):
    def test_rounds_are_interleaved_and_rotate(self):
        self.measure(["libc", "a", "b"], rounds=2, only="small")
        self.assertEqual([run.split()[1] for run in self.runs()],
                         ["libc", "a.so", "b.so",    # warm-up
                          "libc", "a.so", "b.so",
                          "a.so", "b.so", "libc"])

    def test_two_contestants_run_abba(self):
        self.measure(["a", "b"], rounds=2, only="small")
        self.assertEqual([row["allocator"] for row in self.rows()], ["a", "b", "b", "a"])

    def test_cases_get_their_arguments(self):
        found = list(cases.synthetic(SUITE, 0.25))
        self.assertEqual([str(case) for case in found],
                         ["alpha", "alpha, 2 threads", "beta small", "beta big"])
        self.assertEqual(found[2].arguments, ("slots=4", "seconds=0.25", "threads=1"))
        self.assertEqual([case.quick for case in found], [True, True, True, False])

    def test_one_thread_is_pinned_more_are_not(self):
        self.measure(["libc"], only="alpha", rounds=1)
        allowed = {run.split()[-1]: run.split()[2] for run in self.runs()}
        self.assertTrue(allowed["threads=1"].removeprefix("cpus=").isdecimal())
        everywhere = len(os.sched_getaffinity(0)) > 1
        self.assertEqual(allowed["threads=2"] != allowed["threads=1"], everywhere)

    def test_a_row_has_what_the_suite_reports(self):
        self.measure(["libc"], only="small", rounds=1)
        row, = self.rows()
        wanted = {"value": "1.5", "unit": "ms", "peak_rss_kib": "1024", "end_rss_kib": "512",
                  "context_switches": "3", "p9999_ns": "4", "max_ns": "5", "round": "1",
                  "case": "small", "commit": "abc", "status": "ok", "cycles": ""}
        self.assertEqual({name: row[name] for name in wanted}, wanted)


class Failures(LabTest):
    def failed(self, name, **settings):
        found = self.measure(["libc", name, "fast"], only="small", **settings)
        results, = found.results.values()
        self.assertEqual([row["status"] for row in results["libc"]], ["ok", "ok"])
        self.assertEqual([row["status"] for row in results["fast"]], ["ok", "ok"])
        row, = results[name]  # it is not tried again
        return row

    def test_a_crash_is_reported_and_the_rest_goes_on(self):
        row = self.failed("crash")
        self.assertEqual(row["status"], "crash")
        self.assertIn("Segmentation fault", row["note"])

    def test_a_hang_is_a_timeout(self):
        row = self.failed("hang", timeout=1)
        self.assertEqual(row["status"], "timeout")

    def test_another_library_is_wrong(self):
        row = self.failed("wrong")
        self.assertEqual((row["status"], row["note"]), ("wrong", "served by /lib/libc.so.6"))

    def test_failures_are_rows_of_the_store(self):
        self.failed("crash")
        self.assertEqual([row["status"] for row in self.rows()].count("crash"), 1)


class Resume(LabTest):
    def interrupted(self):
        """A run of two cases that Ctrl-C ends in the second."""
        def stop(case, results):
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            self.measure(["libc", "crash", "fast"], on_case=stop)

    def test_goes_on_with_what_is_missing(self):
        self.interrupted()
        before = self.runs()
        self.assertTrue(all("slots=4" in run for run in before))
        found = self.measure(["libc", "crash", "fast"], resume=True)
        self.assertTrue(all("slots=8" in run for run in self.runs()[len(before):]))
        for results in found.results.values():
            self.assertEqual({name: len(rows) for name, rows in results.items()},
                             {"libc": 2, "crash": 1, "fast": 2})
        self.assertEqual(len({row["date"] for row in self.rows()}), 1)

    def test_refuses_another_build(self):
        self.interrupted()
        with self.assertRaisesRegex(LabError, "cannot resume.*commit"):
            Store(self.csv, {**FACTS, "commit": "def"}, resume=True)

    def test_nothing_to_resume(self):
        with self.assertRaisesRegex(LabError, "nothing to resume"):
            Store(self.csv, FACTS, resume=True)


class TheStore(LabTest):
    def test_only_appends(self):
        self.measure(["libc"], only="small")
        first = self.csv.read_text()
        self.measure(["libc"], only="small")
        self.assertTrue(self.csv.read_text().startswith(first))
        self.assertEqual(len(self.rows()), 4)
        self.assertEqual(list(self.rows()[0]), COLUMNS)

    def test_refuses_a_different_header(self):
        self.csv.write_text("a,b\n1,2\n")
        with self.assertRaisesRegex(LabError, "header"):
            Store(self.csv, FACTS)

    def test_refuses_half_a_line(self):
        self.csv.write_text(",".join(COLUMNS) + "\n2026")
        with self.assertRaisesRegex(LabError, "cut off"):
            Store(self.csv, FACTS)


class Budget(LabTest):
    def test_leaves_out_rounds_but_not_all(self):
        found = self.measure(["libc"], rounds=50, budget=0.01, only="small")
        rows, = found.results.values()
        self.assertEqual(len(rows["libc"]), 2)


class OnTheSide(unittest.TestCase):
    def test_progress_into_a_file_is_plain_and_seldom(self):
        stream = io.StringIO()
        progress = Progress(2, stream)
        for part in (0, 0.2, 0.5):
            progress.step(0, part, "case: round")
        self.assertEqual(stream.getvalue(), "hak: [1/2] ?:?? left  case: round\n")

    def test_counts(self):
        self.assertEqual(counting.parse_perf("1000,,instructions:u,5,100.00,,\n"
                                             "<not supported>,,cycles,0,100.00,,\n"),
                         {"instructions": 1000})
        self.assertEqual(counting.parse_callgrind("==1== Collected : 123\n"), {"instructions": 123})
        line = "100.00    0.000986          18        52           total\n"
        self.assertEqual(counting.parse_strace(line), {"memory_syscalls": 52})

    def test_the_kernel_says_to_whom_it_gives_large_pages(self):
        with tempfile.TemporaryDirectory() as folder:
            setting = Path(folder) / "enabled"
            self.assertEqual(machine.kernel(setting), os.uname().release)
            setting.write_text("[always] madvise never\n")
            self.assertEqual(machine.kernel(setting), f"{os.uname().release} (large pages: always)")

    def test_bad_words_are_one_line_on_stderr(self):
        for words in (["bench", "--build", "/nowhere"], ["ab", "no-value"]):
            with mock.patch("sys.stderr", io.StringIO()) as err:
                self.assertEqual(cli.main(words), 2)
            self.assertEqual(err.getvalue().splitlines()[-1][:5], "hak: ")
            self.assertNotIn("Traceback", err.getvalue())


if __name__ == "__main__":
    unittest.main()
