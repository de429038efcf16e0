#!/usr/bin/python3
"""Make one self-contained HTML page of the lab's CSV files."""
import argparse
import datetime
import html
import json
import pathlib
import string
import sys

from page_data import page_data
from rows import BadInput, read

HERE = pathlib.Path(__file__).parent
SCRIPTS = "charts.js", "report.js", "tables.js"
CHART_LIBRARY = "/usr/share/javascript/chart.js/chart.min.js"


def embedded(tree):
    """JSON that can stand inside a script element, whatever the CSV says."""
    return json.dumps(tree, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def page(rows, title, library):
    """The text of the page: the template with everything put into it."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return string.Template((HERE / "report.html.in").read_text()).substitute(
        title=html.escape(title), made=now.strftime("%Y-%m-%d %H:%M UTC"),
        style=(HERE / "report.css").read_text(), library=library,
        script="\n".join((HERE / name).read_text() for name in SCRIPTS),
        data=embedded(page_data(rows)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv", nargs="+")
    parser.add_argument("-o", "--output", required=True, metavar="FILE.html")
    parser.add_argument("--title", default="hakmem: measurements")
    parser.add_argument("--chart-library", default=CHART_LIBRARY, metavar="FILE",
                        help="Chart.js 3, one file for browsers (%(default)s)")
    arguments = parser.parse_args()
    try:
        rows = [row for path in arguments.csv for row in read(path)]
        library = pathlib.Path(arguments.chart_library).read_text()
        pathlib.Path(arguments.output).write_text(page(rows, arguments.title, library))
    except BadInput as error:
        sys.exit(f"{error}")
    except OSError as error:
        hint = " (package libjs-chart.js)" if error.filename == CHART_LIBRARY else ""
        sys.exit(f"{error.filename}: {error.strerror}{hint}")
    print(f"{arguments.output}: {len(rows)} runs")


if __name__ == "__main__":
    main()
