"""What the tests of the lab share: stub libraries, a measurement over the stub suite."""
import contextlib
import csv
import io
import os
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUITE = str(HERE / "stub_suite.sh")
sys.path.insert(0, str(HERE.parents[1] / "bench"))
try:
    import scipy  # noqa: F401
except ImportError:
    print(f"skipped: {sys.executable} has no scipy")
    sys.exit(77)

from lab import cases, measure  # noqa: E402
from lab.contestants import Contestant  # noqa: E402
from lab.store import Store  # noqa: E402

FACTS = {"commit": "abc", "compiler": "cc 1", "cpu": "c", "kernel": "k"}


class LabTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        self.csv = self.folder / "runs.csv"
        self.log = self.folder / "log"
        os.environ["STUB_LOG"] = str(self.log)

    def contestants(self, *names):
        """One for each name; "libc" has no library, the others an empty file NAME.so."""
        return [Contestant(name, None if name == "libc" else self.library(name)) for name in names]

    def library(self, name):
        path = self.folder / f"{name}.so"
        path.touch()
        return str(path.resolve())

    def measure(self, names, rounds=2, resume=False, only="beta", on_case=None, **settings):
        """The results of the stub suite's cases, by name of the case and of the contestant."""
        wanted = [c for c in cases.synthetic(SUITE, 0.01) if only in str(c)]
        store = Store(self.csv, FACTS, resume)
        settings = measure.Settings(rounds=rounds, **{"timeout": 5, **settings})
        with contextlib.redirect_stderr(io.StringIO()):
            found = measure.Measurement(wanted, self.contestants(*names), settings, store, on_case)
            found.run()
        return found

    def rows(self):
        with open(self.csv, newline="") as file:
            return list(csv.DictReader(file))

    def runs(self):
        """What the stub was started for: "WORKLOAD LIBRARY cpus=... ARGUMENTS" a run."""
        return self.log.read_text().splitlines()
