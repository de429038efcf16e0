#!/usr/bin/env python3
"""Run one misuse program: it must do exactly what the comment on top of its source says.

    // -> LINE           it dies by SIGABRT, and "hakmem: LINE" is all it has written to stderr;
    //    ...            P in LINE is the pointer that it has written to stdout; LINE may go on
    // -> ignored        it ends well and writes nothing
    // -> SIGSEGV        it dies of that, and hakmem says nothing
    // -> [BUILD] LINE   the same for builds that --build says to be BUILD
    // arguments: A B    it runs once with each
"""
import argparse
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

FREED = "it was freed before; run with AddressSanitizer to find who freed it first"
SILENT = {"ignored": (0, ""), "SIGSEGV": (-signal.SIGSEGV, "")}


def read_comment(source):
    """The arguments to run with, and BUILD -> LINE; "" is any build."""
    comment = re.match(r"(?://.*\n)+", Path(source).read_text()).group()
    arguments = re.search(r"^// arguments: (.*)", comment, re.M)
    lines = {}
    for build, line in re.findall(r"^// -> (?:\[([\w-]+)\] )?(.*(?:\n//    .*)*)", comment, re.M):
        lines[build] = re.sub(r"\n//\s+", " ", line)
    return arguments.group(1).split() if arguments else [None], lines


def expected(lines, builds):
    """The line of the last of `builds` that has one."""
    build = next(build for build in [*reversed(builds), ""] if build in lines)
    if build == "" and "light" in builds: # wherever others would have noticed it
        return re.sub("double free of P: .*", "double free of P: " + FREED, lines[""])
    return lines[build]


def run(program, argument, line):
    """None, or what was wrong."""
    command = [program] if argument is None else [program, argument]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=60)
    pointer = seen.stdout.removesuffix("\n")
    if not re.fullmatch("|0x[0-9a-f]+" if line == "ignored" else "0x[0-9a-f]+", pointer):
        return f"{' '.join(command)} says that it misuses {seen.stdout!r}"
    status, stderr = SILENT.get(line, (-signal.SIGABRT, f"hakmem: {line}\n"))
    stderr = stderr.replace(" P:", f" {pointer}:")
    if (seen.returncode, seen.stderr) == (status, stderr):
        return None
    return (f"{' '.join(command)}\nwant exit status {status}, stderr {stderr!r}\n"
            f"seen exit status {seen.returncode}, stderr {seen.stderr!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", action="append", default=[],
                        help="what the build is, if not the default; the last that counts, wins")
    parser.add_argument("source")
    parser.add_argument("program")
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    arguments, lines = read_comment(args.source)
    line = expected(lines, args.build)
    problems = [problem for argument in arguments if (problem := run(args.program, argument, line))]
    sys.exit("\n".join(problems) or 0)


if __name__ == "__main__":
    main()
