"""The commands of the lab: bench, ab, isolate."""
import argparse
import os
import shlex
import sys
import tempfile
from pathlib import Path

from lab import ab, builds, cases, contestants, isolate, machine
from lab.errors import LabError
from lab.measure import Measurement, Settings
from lab.store import Store
from lab.table import Table

QUICK_BUDGET = 140  # seconds that --quick aims at for all rows; it promises three minutes
LAUNCH_SECONDS = 0.05  # of a run, besides what it measures and a quarter of that to warm up


def common(parser, rounds, rounds_help):
    parser.add_argument("--quick", action="store_true", help="fewer cases, shorter runs")
    parser.add_argument("--only", metavar="WORD", help="cases whose group or name has this word")
    parser.add_argument("--rounds", type=positive(int), metavar="N",
                        help=f"{rounds_help} (default {rounds})")
    parser.add_argument("--seconds", type=positive(float), metavar="S",
                        help="what one run of a workload measures (default 0.5; --quick: less)")
    parser.add_argument("--timeout", type=positive(float), metavar="S",
                        help="of one run (default 60 and 20 times --seconds)")
    parser.add_argument("--csv", metavar="FILE", help="append to this file")
    parser.add_argument("--resume", action="store_true",
                        help="go on where the last command stopped")
    parser.add_argument("--programs", action=argparse.BooleanOptionalAction, default=None,
                        help="real programs too (bench: the default)")
    parser.add_argument("--suite", metavar="PROGRAM", help="instead of the build's hak_bench")


def positive(kind):
    def convert(text):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value
    convert.__name__ = kind.__name__
    return convert


def parser():
    top = argparse.ArgumentParser(prog="hak", allow_abbrev=False)
    commands = top.add_subparsers(dest="command", required=True)
    bench = commands.add_parser("bench", help="all allocators of this machine on all workloads")
    common(bench, "5; --quick: up to 3", "rounds")
    bench.add_argument("--build", metavar="FOLDER", default=str(machine.ROOT / "build"))
    bench.add_argument("--allocators", metavar="A,B", help="only these")
    bench.add_argument("--peer", metavar="NAME=LIBRARY", action="append", default=[],
                       help="one more allocator; so does HAKMEM_BENCH_PEERS=NAME=LIBRARY,...")
    bench.add_argument("--syscalls", action="store_true", help="count memory system calls (strace)")
    bench.add_argument("--instructions", action="store_true", help="count instructions (valgrind)")
    two = commands.add_parser("ab", help="two builds of hakmem, pair by pair")
    common(two, 8, "blocks of A B B A")
    two.add_argument("options", metavar="OPTION=VALUE", nargs="+", help="of the changed build")
    two.add_argument("--base", metavar="OPTION=VALUE", nargs="+", default=[])
    two.add_argument("--markdown", metavar="FILE",
                     help="write the table there, between its markers")
    off = commands.add_parser("isolate", help="each run-time switch off alone")
    common(off, 8, "rounds")
    off.add_argument("--build", metavar="FOLDER", default=str(machine.ROOT / "build"))
    off.add_argument("--switch", metavar="HAKMEM_X=VALUE", action="append", default=[],
                     help="one more switch to try")
    return top


def choose_cases(args, program, scratch, rounds, runners):
    """The cases asked for; sets args.seconds, which in --quick depends on how many there are."""
    wanted = [*(cases.programs(scratch, args.quick) if args.programs else []),
              *cases.synthetic(program, args.seconds or 0.5)]
    wanted = [case for case in wanted if (case.quick or not args.quick) and
              (not args.only or args.only.lower() in f"{case.group} {case}".lower())]
    if not wanted:
        raise LabError(f"no case has '{args.only}' in its group or name")
    if args.quick and not args.seconds:
        each = QUICK_BUDGET / len(wanted) / runners / (rounds + 1)
        args.seconds = round(min(0.2, max(0.02, (each - LAUNCH_SECONDS) / 1.25)), 3)
        return choose_cases(args, program, scratch, rounds, runners)
    args.seconds = args.seconds or 0.5
    return wanted


def measure(args, build, found, settings, scratch, default_csv, table=None):
    """Everything between the choice of contestants and the table; returns the measurement."""
    program = args.suite or builds.needed(build, "hak_bench")
    wanted = choose_cases(args, program, scratch, settings.rounds, len(found))
    settings.timeout = args.timeout or 60 + 20 * args.seconds
    store = Store(args.csv or default_csv, machine.facts(build), args.resume)
    print(f"hak: {len(wanted)} cases, {', '.join(c.name for c in found)}; {settings.rounds} rounds "
          f"of {args.seconds:g} s; results in {store.path}", file=sys.stderr)
    measurement = Measurement(wanted, found, settings, store, table and table.case)
    if table:
        table.begin()
    try:
        measurement.run()
        measurement.interrupted = False
    except KeyboardInterrupt:
        measurement.interrupted = True
        print("hak: interrupted; the same command with --resume goes on", file=sys.stderr)
    return measurement


def exit_status(measurement):
    """130 after Ctrl-C; 1 when hakmem failed somewhere."""
    if measurement.interrupted:
        return 130
    return int(any(row["status"] != "ok" for contestant in measurement.contestants
                   if contestant.is_hakmem
                   for rows in measurement.results.values() for row in rows[contestant.name]))


def run_bench(args, scratch):
    build = Path(args.build)
    peers = contestants.parse_peers([os.environ.get("HAKMEM_BENCH_PEERS", ""), *args.peer])
    only = args.allocators.split(",") if args.allocators else None
    found = contestants.choose(builds.needed(build, "hakmem"), machine.build_options(build), peers,
                               only)
    args.programs = args.programs is not False
    counts = [name for name in ("syscalls", "instructions") if getattr(args, name)]
    settings = Settings(args.rounds or (3 if args.quick else 5), 0, tuple(counts),
                        QUICK_BUDGET if args.quick else None)
    table = Table([contestant.name for contestant in found])
    measurement = measure(args, build, found, settings, scratch, build / "bench.csv", table)
    table.end()
    return exit_status(measurement)


def run_ab(args, scratch):
    builds.check_options([*args.base, *args.options])
    print("hak: building build-ab/base and build-ab/changed", file=sys.stderr)
    both = ab.contestants(args.base, [*args.base, *args.options])
    folders = [builds.FOLDER / contestant.name for contestant in both]
    settings = Settings(2 * (args.rounds or 8), 0)
    measurement = measure(args, folders[0], both, settings, scratch, builds.FOLDER / "ab.csv")
    rows, texts = ab.lines(measurement.results), ab.facts(both, folders)
    ab.print_table(rows, texts)
    if args.markdown and not measurement.interrupted:
        name = " ".join(args.options) + (f" on {' '.join(args.base)}" if args.base else "")
        command = shlex.join(["./hak", *(word for word in args.words if word != "--resume")])
        about = "Commit {commit}, {compiler}, {cpu}, Linux {kernel}, {date}; {blocks} blocks of " \
                "{seconds:g} s runs.".format(**measurement.store.facts, seconds=args.seconds,
                                             blocks=settings.rounds // 2)
        ab.write_markdown(args.markdown, name, ab.markdown(name, command, rows, texts, about))
    return exit_status(measurement)


def run_isolate(args, scratch):
    build = Path(args.build)
    library = os.path.realpath(builds.needed(build, "hakmem"))
    found = isolate.contestants(library, machine.build_options(build), args.switch)
    settings = Settings(args.rounds or 8, 0)
    measurement = measure(args, build, found, settings, scratch, build / "isolate.csv")
    isolate.print_table(measurement.results, [contestant.name for contestant in found])
    return exit_status(measurement)


COMMANDS = {"bench": run_bench, "ab": run_ab, "isolate": run_isolate}


def main(words=None):
    words = [word for word in (sys.argv[1:] if words is None else words) if word != "--"]
    args = parser().parse_args(words)
    args.words = words
    try:
        with tempfile.TemporaryDirectory(prefix="hakmem-lab-") as scratch:
            return COMMANDS[args.command](args, scratch)
    except LabError as error:
        print(f"hak: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
