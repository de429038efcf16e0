"""What is measured: the cases that hak_bench and the real programs offer with --list."""
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

PROGRAMS = Path(__file__).resolve().parents[1] / "programs"
QUICK_SCALE = 0.2


@dataclass(frozen=True)
class Case:
    """One row of the table: a workload with its arguments and a number of threads."""
    command: tuple        # of the suite
    group: str
    workload: str
    title: str
    threads: int
    arguments: tuple
    unit: str
    better: str
    quick: bool
    takes_preload: bool   # the library is an argument and not LD_PRELOAD of the suite itself

    @property
    def key(self):
        return self.workload, self.title, self.threads

    @property
    def label(self):
        name = self.title if self.takes_preload else f"{self.workload} {self.title}".rstrip()
        return f"{name}, {self.threads} threads" if self.threads > 1 else name

    def __str__(self):
        return self.label


def ask(command):
    """The workloads of one suite."""
    try:
        done = subprocess.run([*command, "--list"], capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise LabError(f"{command[-1]} --list: exit status {done.returncode} {done.stderr}")
        return json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise LabError(f"{command[-1]} --list: {error}") from None


def as_list(value):
    return value if isinstance(value, list) else [value]


def cases_of(workload, command, extra, takes_preload):
    """The cases of a workload, one for each number of threads."""
    whole = [{"title": "", "arguments": "", "quick": True}]
    for case in workload.get("cases") or whole:
        words = case["arguments"].split()
        fixed = [int(word[8:]) for word in words if word.startswith("threads=")]
        for threads in fixed or as_list(case.get("threads", workload["threads"])):
            arguments = [*words, *extra]
            if not fixed and not takes_preload:
                arguments.append(f"threads={threads}")
            yield Case(tuple(command), workload["group"], workload["name"], case["title"], threads,
                       tuple(arguments), workload["unit"], workload["better"],
                       case.get("quick", True), takes_preload)


def synthetic(program, seconds):
    for workload in ask([program]):
        yield from cases_of(workload, [program], [f"seconds={seconds}"], False)


def programs(folder, quick):
    """The real programs that this machine has; the others are named on stderr."""
    command = [sys.executable, "-S", str(PROGRAMS)]
    extra = [f"folder={folder}", f"scale={QUICK_SCALE if quick else 1}"]
    for workload in ask(command):
        if workload["missing"]:
            print(f"hak: {workload['name']} is left out: {', '.join(workload['missing'])} "
                  "is not installed", file=sys.stderr)
        else:
            yield from cases_of(workload, command, extra, True)
