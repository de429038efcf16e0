"""Everything the page shows, as one tree of plain values for its script."""
import rows as lab_rows
import summary
from lab import stats


def plain(value):
    """Six digits are more than any measurement has."""
    return None if value is None else float(f"{value:.6g}")


def cell(case, allocator):
    """One allocator in one case."""
    if allocator in case.failures:
        failed = next(run for run in case.failures[allocator] if run.status != "ok")
        return {"failed": failed.status}
    figures = case.samples[allocator]
    low, high = summary.interval(figures["value"].resampled)
    return {
        "low": plain(low), "high": plain(high), "noisy": case.is_noisy(allocator),
        "runs": [plain(run) for run in figures["value"].runs],
        "ratio": plain(case.ratio(allocator)),
        "memory": plain(case.ratio(allocator, "peak_rss_kib")),
        **{name: plain(sample.median) for name, sample in figures.items() if name != "cost"},
    }


def case_data(case):
    return {
        "group": case.group, "workload": case.workload, "case": case.case,
        "threads": case.threads, "unit": case.unit, "better": case.better,
        "leaders": case.leaders(), "noisy": case.is_noisy(),
        "cells": {name: cell(case, name) for name in [*case.samples, *case.failures]},
    }


def overview(cases, allocators):
    """The geometric means, a list for each thing that is better small, and each case's ratio."""
    parts = {"time": (summary.timed(cases), "cost"), "memory": (cases, "peak_rss_kib"),
             "kept": (summary.kept(cases), "cost")}
    result = {}
    for part, (chosen, figure) in parts.items():
        means = {name: summary.geometric_mean(chosen, name, figure) for name in allocators}
        result[part] = {
            name: {key: plain(value) for key, value in mean.items()}
            | {"each": [plain(ratio) for case in chosen if (ratio := case.ratio(name, figure))]}
            for name, mean in means.items() if mean}
    return result


def failures(cases):
    """What did not end well, one line for each allocator, case and way to fail."""
    lines = []
    for case in cases:
        for allocator, runs in case.failures.items():
            for status in dict.fromkeys(run.status for run in runs if run.status != "ok"):
                same = [run for run in runs if run.status == status]
                lines.append({
                    "allocator": allocator, "workload": case.workload, "case": case.case,
                    "threads": case.threads, "status": status, "failed": len(same),
                    "runs": len(runs), "note": next((run.note for run in same if run.note), "")})
    return lines


def options_of(rows):
    return sorted({row.options for row in rows})


def build_data(rows):
    """One build on one machine: all that the page shows but the history."""
    cases = summary.cases_of(rows)
    allocators = summary.by_importance(row.allocator for row in rows)
    dates = sorted({row.date for row in rows})
    return {
        "commit": rows[0].commit, "options": options_of(rows), "compiler": rows[0].compiler,
        "cpu": rows[0].cpu, "kernel": rows[0].kernel,
        "dates": [date.isoformat(timespec="minutes") for date in dates],
        "rounds": max(row.round for row in rows), "rows": len(rows),
        "libraries": {row.allocator: row.library for row in rows},
        "allocators": allocators, "overview": overview(cases, allocators),
        "cases": [case_data(case) for case in cases], "failures": failures(cases),
    }


def history(commands, allocators):
    """Figures over time: of each case, and geometric means over the cases that all have.

    A command that measured less than half of what the largest did has no mean: it would leave
    hardly a case that all have.
    """
    tables = [{case.key: case for case in summary.cases_of(rows)} for rows in commands]
    most = max(map(len, tables))
    large = [table for table in tables if 2 * len(table) >= most]
    common = [key for key in large[-1] if all(key in table for table in large)]

    def mean(table, allocator):
        found = table in large and summary.geometric_mean(
            summary.timed([table[key] for key in common]), allocator)
        return plain(found["mean"]) if found else None

    def median(table, key, allocator):
        figures = key in table and table[key].samples.get(allocator)
        return plain(figures["value"].median) if figures else None

    latest = {key: case for table in tables for key, case in table.items()}
    return {
        "common": len(summary.timed([large[-1][key] for key in common])),
        "points": [{"commit": rows[0].commit, "date": rows[0].date.isoformat(timespec="minutes")}
                   for rows in commands],
        "means": {name: [mean(table, name) for table in tables] for name in allocators},
        "cases": [{"workload": key[0], "case": key[1], "threads": key[2], "unit": key[3],
                   "better": case.better,
                   "lines": {name: [median(table, key, name) for table in tables]
                             for name in allocators}}
                  for key, case in latest.items() if sum(key in table for table in tables) > 1],
    }


def sorted_out(rows):
    """(commands, builds): the rows of each, oldest first. A date is a command's, see lab/store.py;
    a build is pooled over all commands that measured the same on the same machine."""
    commands, builds = {}, {}
    for row in sorted(rows, key=lambda row: row.date):
        machine = row.commit, row.compiler, row.cpu, row.kernel
        commands.setdefault((row.date, *machine), []).append(row)
    for (_, *machine), found in commands.items():
        builds.setdefault((*machine, *options_of(found)), []).extend(found)
    return list(commands.values()), sorted(builds.values(), key=lambda found: found[-1].date)


def newest_build(rows):
    return sorted_out(rows)[1][-1]


def page_data(rows):
    """The tree. The newest build comes first."""
    commands, builds = sorted_out(rows)
    allocators = summary.by_importance(row.allocator for row in rows)
    return {"allocators": allocators, "costs": lab_rows.COSTS, "latencies": lab_rows.LATENCIES,
            "noisy_percent": 100 * stats.NOISY_SPREAD,
            "builds": [build_data(found) for found in reversed(builds)],
            "history": history(commands, allocators)}
