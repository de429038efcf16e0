#!/usr/bin/python3
"""Draw the picture of the README: speed of each workload and geometric means, as one SVG file.

The colours are of middle lightness and there is no background: dark and light pages both suit it.
"""
import argparse
import sys

import matplotlib
matplotlib.use("svg")
from matplotlib import pyplot # noqa: E402

import summary # noqa: E402
from page_data import newest_build # noqa: E402
from rows import BadInput, read # noqa: E402

INK, OURS, OTHERS = "#7d858f", "#e8590c", "#6f9bc8"
COLUMNS = 6 # of small panels
INCHES = 10.5, 1.1 # width of the picture, height of a row


def speeds(cases, allocators, figure="cost"):
    """allocator -> how fast (or small) it is, 1 being the best everywhere."""
    means = {name: summary.geometric_mean(cases, name, figure) for name in allocators}
    return {name: 1 / mean["mean"] for name, mean in means.items() if mean}


def draw_panel(axes, title, values, allocators, leftmost, large=False):
    """One bar an allocator; who has no value failed, or is not comparable there."""
    size = 10 if large else 8
    for place, name in enumerate(allocators):
        colour = OURS if name.startswith("hakmem") else OTHERS
        axes.barh(place, values.get(name, 0), color=colour, height=0.75)
        if name not in values or large:
            text = f"{values[name]:.2f}" if name in values else "–"
            axes.text(values.get(name, 0) + 0.01, place, text, va="center", color=INK,
                      fontsize=size)
    axes.set_title(title, fontsize=size + 1, color=INK, loc="left", pad=3)
    axes.set(xlim=(0, 1.15 if large else 1.02), ylim=(len(allocators) - 0.4, -0.6))
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"] if large else [""] * 3)
    axes.set_yticks(range(len(allocators)), allocators)
    axes.tick_params(colors=INK, labelsize=size, length=0, labelleft=leftmost)
    axes.grid(axis="x", color=INK, alpha=0.3, linewidth=0.6)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)


def picture(rows):
    """The figure: two large panels of means above one small panel for each workload."""
    cases = summary.cases_of(rows)
    allocators = summary.by_importance(row.allocator for row in rows)
    workloads = {}
    for case in summary.timed(cases):
        workloads.setdefault(case.workload, []).append(case)
    panels = {name: found for name, group in workloads.items()
              if (found := speeds(group, allocators))}
    lines = -(-len(panels) // COLUMNS)
    figure = pyplot.figure(figsize=(INCHES[0], INCHES[1] * (lines + 2)), layout="constrained")
    grid = figure.add_gridspec(lines + 2, COLUMNS)
    half = COLUMNS // 2
    draw_panel(figure.add_subplot(grid[:2, :half]),
               "Speed: geometric mean, 1 is the best in every case",
               speeds(summary.timed(cases), allocators), allocators, True, large=True)
    draw_panel(figure.add_subplot(grid[:2, half:]), "Memory: the same of the inverse of peak RSS",
               speeds(cases, allocators, "peak_rss_kib"), allocators, False, large=True)
    for place, (name, values) in enumerate(panels.items()):
        axes = figure.add_subplot(grid[2 + place // COLUMNS, place % COLUMNS])
        draw_panel(axes, name, values, allocators, place % COLUMNS == 0)
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("csv", nargs="+")
    parser.add_argument("-o", "--output", required=True, metavar="FILE.svg")
    arguments = parser.parse_args()
    pyplot.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "hakmem",
                            "font.family": "sans-serif"})
    try:
        rows = newest_build([row for path in arguments.csv for row in read(path)])
        picture(rows).savefig(arguments.output, transparent=True, metadata={"Date": None})
    except BadInput as error:
        sys.exit(f"{error}")
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
