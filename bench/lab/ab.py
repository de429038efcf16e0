"""A/B of two builds of hakmem: the same cases in the order A B B A, a verdict for each."""
import re
from pathlib import Path

import numpy as np

from lab import builds, machine, stats
from lab.contestants import Contestant
from lab.errors import LabError
from lab.table import costs, failure

LEAST_BLOCKS = 6  # the bootstrap knows too little of fewer, and finds differences in equal builds
HEADINGS = ("case", "base", "changed", "time ratio", "95 % interval", "noise", "peak RSS",
            "verdict")
EXPLANATION = f"""\
Ratios are changed to base; below 1 the change is faster or smaller. A verdict needs an interval of
the ratio that excludes 1 (at a confidence that allows for all rows) and a ratio beyond the noise:
what pairs of equal builds, taken from the same runs, reach, and {stats.SMALLEST_EFFECT - 1:.0%}
in any case."""


def contestants(base_options, changed_options):
    """Builds both; the two contestants and the folder whose hak_bench measures them."""
    found = []
    for name, options in (("base", base_options), ("changed", changed_options)):
        folder = builds.build(name, options)
        library = str(Path(builds.needed(folder, "hakmem")).resolve())
        found.append(Contestant(name, library, options=machine.build_options(folder),
                                is_hakmem=True))
    return found


def paired_costs(results):
    """Costs of base and of changed in whole A B B A blocks, oldest first."""
    whole = min(map(len, results.values())) // 2 * 2
    ordered = (sorted(rows, key=lambda row: row["round"])[:whole] for rows in results.values())
    return [costs(rows) for rows in ordered]


def line(case, results, rows):
    """The cells of one row of the table; `rows` is how many there are."""
    failed = [f"{name}: {failure(runs)}" for name, runs in results.items() if failure(runs)]
    if failed:
        return [case.label, *["-"] * 6, ", ".join(failed)]
    base, changed = paired_costs(results)
    if len(base) < 2 * LEAST_BLOCKS or len(base) != len(changed):
        return [case.label, *["-"] * 6, f"under {LEAST_BLOCKS} blocks"]
    verdict = stats.judge(*stats.block_ratios(base, changed), rows)
    values = [f"{np.median([run['value'] for run in runs]):.4g} {case.unit}"
              for runs in results.values()]
    peaks = [np.median([run["peak_rss_kib"] or 0 for run in runs]) for runs in results.values()]
    memory = f"{peaks[1] / peaks[0]:.2f}" if peaks[0] else "-"
    return [case.label, *values, f"{verdict.ratio:.3f}", f"{verdict.low:.3f} to {verdict.high:.3f}",
            f"{verdict.floor - 1:.1%}", memory, verdict.text]


def lines(results):
    return [line(case, found, len(results)) for case, found in results.items()]


def facts(both, folders):
    """What both builds are, without a clock: size and hit paths, one text each."""
    sizes = [builds.code_bytes(contestant.library) for contestant in both]
    texts = [f"Code and constants: {sizes[0]} bytes base, {sizes[1]} changed "
             f"({sizes[1] / sizes[0] - 1:+.1%})."]
    paths = [builds.hit_path(folder) for folder in folders]
    for name in ("malloc", "free"):
        if all(name in path for path in paths):
            counts = [", ".join(f"{count} {kind}" for kind, count in path[name].items())
                      for path in paths]
            texts.append(f"A cache hit of {name}: base {counts[0]}; changed {counts[1]}.")
    return texts


def print_table(rows, texts):
    widths = [max(len(row[i]) for row in [HEADINGS, *rows]) for i in range(len(HEADINGS))]
    print()
    for row in [HEADINGS, *rows]:
        cells = [f"{row[0]:{widths[0]}}"]
        cells += [f"{cell:>{width}}" for cell, width in zip(row[1:-1], widths[1:-1])]
        print("  ".join([*cells, row[-1]]))
    print("", *texts, "", EXPLANATION, sep="\n")


def markdown(title, command, rows, texts, about):
    """The text of one comparison for docs/ab.md."""
    table = ["| " + " | ".join(cells) + " |" for cells in
             [HEADINGS, ["---", *["--:"] * 6, "---"], *rows]]
    facts = [f"- {text}" for text in texts]
    return "\n".join([f"## {title}", "", f"    {command}", "", about, "", *facts, "", *table, ""])


def write_markdown(path, name, text):
    """Put the text between the markers of `name`; without them, at the end of the file."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    block = f"{begin}\n{text}{end}"
    file = Path(path)
    old = file.read_text() if file.exists() else f"# Comparisons of builds\n\n{EXPLANATION}\n"
    if begin in old and end not in old.partition(begin)[2]:
        raise LabError(f"{path}: {begin} without {end}")
    if begin in old:
        new = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: block, old, flags=re.S)
    else:
        new = f"{old.rstrip()}\n\n{block}\n"
    file.write_text(new)
