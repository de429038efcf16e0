#!/usr/bin/env python3
"""Check that docs/bench.md explains what hak_bench --list lists; --update makes it so."""
import argparse
import difflib
import json
import subprocess
import sys
import textwrap
from pathlib import Path

BEGIN = "<!-- workloads: made by bench/suite/check_docs.py --update -->\n"
END = "<!-- end of workloads -->\n"
WRAP = textwrap.TextWrapper(100, subsequent_indent="  ")


def explain(program):
    """The part of the page between the markers."""
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout
    lines, group = [], None
    for workload in sorted(json.loads(listed), key=lambda one: one["group"]):
        if workload["group"] != group:
            group = workload["group"]
            lines.append(f"\n### {group}\n")
        lines += WRAP.wrap(f"- **{workload['name']}** ({workload['unit']}): "
                           f"{workload['stands_for']}. Stresses {workload['stresses']}. "
                           f"*From*: {workload['source']}.")
    return "\n".join(lines) + "\n\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="hak_bench")
    parser.add_argument("page", type=Path, help="docs/bench.md")
    parser.add_argument("--update", action="store_true", help="write the page's list anew")
    args = parser.parse_args()

    page = args.page.read_text()
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        sys.exit(f"{args.page}: the markers around the workloads are missing")
    head, rest = page.split(BEGIN)
    found, tail = rest.split(END)
    wanted = explain(args.program)
    if args.update:
        args.page.write_text(head + BEGIN + wanted + END + tail)
    elif found != wanted:
        sys.stdout.writelines(difflib.unified_diff(
            found.splitlines(True), wanted.splitlines(True), str(args.page), "hak_bench --list"))
        sys.exit("run bench/suite/check_docs.py with --update")


if __name__ == "__main__":
    main()
