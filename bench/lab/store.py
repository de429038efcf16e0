"""The CSV file of all runs: append-only, one row a run.

`date` is when the command of the lab began and the same in all its rows, so that a command's rows
belong together and --resume can find those of the last one. Figures nobody took are empty.
`memory_syscalls`, `instructions`, `cycles` and `cache_misses` are per operation of the workload (a
real program is one operation); the first two come from a run of their own, for they slow it down.
They count the whole process, so its start and its warm-up are spread over the operations, too.
"""
import csv
import datetime
import os

from lab.errors import LabError

COLUMNS = ("date,commit,options,compiler,cpu,kernel,allocator,library,group,workload,case,threads,"
           "round,unit,better,value,status,peak_rss_kib,end_rss_kib,minor_faults,context_switches,"
           "memory_syscalls,instructions,cycles,cache_misses,p50_ns,p99_ns,p999_ns,p9999_ns,max_ns,"
           "note").split(",")
IDENTITY = ("commit", "compiler", "cpu", "kernel")
NUMBERS = COLUMNS[COLUMNS.index("peak_rss_kib"):-1] + ["value"]


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Store:
    def __init__(self, path, facts, resume=False):
        self.path, self.facts = path, dict(facts, date=now())
        self.done = []
        exists = os.path.exists(path) and os.path.getsize(path)
        if exists:
            rows = self.read()
            if resume and rows:
                self.take_up(rows)
        elif resume:
            raise LabError(f"{path}: nothing to resume")
        if not exists:
            self.append(dict(zip(COLUMNS, COLUMNS)))

    def append(self, row):
        try:
            with open(self.path, "a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, COLUMNS, lineterminator="\n").writerow(row)
        except OSError as error:
            raise LabError(f"{self.path}: {error.strerror}") from None

    def read(self):
        with open(self.path, newline="", encoding="utf-8") as file:
            text = file.read()
        if text.splitlines()[0] != ",".join(COLUMNS):
            raise LabError(f"{self.path}: the header is not that of this lab's files")
        if not text.endswith("\n"):
            raise LabError(f"{self.path}: the last line is cut off; remove it")
        return list(csv.DictReader(text.splitlines()))

    def take_up(self, rows):
        """Continue what the last command in the file began, if this is still the same thing."""
        last = rows[-1]
        for name in IDENTITY:
            if last[name] != self.facts[name]:
                raise LabError(f"{self.path}: cannot resume, its last run has {name} "
                               f"'{last[name]}', this one '{self.facts[name]}'")
        self.facts["date"] = last["date"]
        self.done = [revive(row) for row in rows if row["date"] == last["date"]]

    def rows_of(self, contestant, case):
        """The rows of the command that is being resumed."""
        key = (contestant.name, contestant.options, *map(str, case.key))
        return [row for row in self.done if key == (
            row["allocator"], row["options"], row["workload"], row["case"], str(row["threads"]))]

    def add(self, contestant, case, number, figures):
        """Write one run; returns its row."""
        row = dict(self.facts, allocator=contestant.name, library=contestant.library or "",
                   options=contestant.options, group=case.group, workload=case.workload,
                   case=case.title, threads=case.threads, round=number, unit=case.unit,
                   better=case.better, **figures)
        self.append({name: row.get(name) for name in COLUMNS})
        return row


def revive(row):
    """A row as it was before it was written."""
    numbers = {name: float(row[name]) if row[name] else None for name in NUMBERS}
    return {**row, **numbers, "round": int(row["round"])}
