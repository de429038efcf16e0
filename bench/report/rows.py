"""Reads the lab's CSV files: one row a run. Whatever does not fit is refused by file and line."""
import csv
import dataclasses
import datetime
import math
import pathlib
import sys

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1]))
from lab.store import COLUMNS # noqa: E402

TEXT = ("commit options compiler cpu kernel allocator library group workload case unit "
        "note").split()
LATENCIES = [name for name in COLUMNS if name.endswith("_ns")]
COSTS = COLUMNS[COLUMNS.index("peak_rss_kib"):COLUMNS.index(LATENCIES[0])]
CHOICES = {"better": ("higher", "lower"), "status": ("ok", "crash", "timeout", "wrong")}


class BadInput(Exception):
    """What is wrong with a file, in one line."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One run. Figures that nobody measured are None."""
    date: datetime.datetime
    commit: str
    options: str
    compiler: str
    cpu: str
    kernel: str
    allocator: str
    library: str
    group: str
    workload: str
    case: str
    threads: int
    round: int
    unit: str
    better: str
    value: float | None
    status: str
    figures: dict
    note: str


def number(text, column):
    """The number in a field, or None when the field is empty."""
    try:
        value = float(text) if text else None
    except ValueError:
        value = math.nan
    if value is not None and (not math.isfinite(value) or value < 0):
        raise ValueError(f"{column} is '{text}', not a number from 0")
    return value


def count(text, column):
    """The whole number in a field, 0 when it is empty."""
    if text and not text.isdecimal():
        raise ValueError(f"{column} is '{text}', not a whole number")
    return int(text or 0)


def moment(text):
    """An ISO 8601 date; one without a time zone is UTC."""
    try: # Python 3.10 does not know the Z.
        date = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise ValueError(f"date is '{text}', not ISO 8601") from None
    return date if date.tzinfo else date.replace(tzinfo=datetime.timezone.utc)


def parse(fields):
    """A row from the fields of one line, by column."""
    if None in fields or None in fields.values():
        raise ValueError("not as many fields as the header has")
    for column, choices in CHOICES.items():
        if fields[column] not in choices:
            raise ValueError(f"unknown {column} '{fields[column]}'")
    for column in ("allocator", "workload"):
        if not fields[column]:
            raise ValueError(f"no {column}")
    value = number(fields["value"], "value")
    if value is None and fields["status"] == "ok":
        raise ValueError("status is ok, but there is no value")
    return Row(date=moment(fields["date"]), threads=count(fields["threads"], "threads"),
               round=count(fields["round"], "round"), value=value,
               figures={column: number(fields[column], column) for column in COSTS + LATENCIES},
               better=fields["better"], status=fields["status"],
               **{column: fields[column] for column in TEXT})


def checked_rows(reader):
    """The rows behind the header, or ValueError at the line that the reader is at."""
    if reader.fieldnames is None:
        raise ValueError("the file is empty")
    missing = [name for name in COLUMNS if name not in reader.fieldnames]
    if missing:
        raise ValueError(f"no column '{missing[0]}'")
    rows = [parse(fields) for fields in reader]
    if not rows:
        raise ValueError("a header, but no rows")
    return rows


def read(path):
    """All rows of a file."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            try:
                return checked_rows(reader)
            except (ValueError, csv.Error) as error:
                raise BadInput(f"{path}:{max(reader.line_num, 1)}: {error}") from None
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
