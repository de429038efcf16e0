#!/usr/bin/env python3
"""Run a program again and again while the kernel calls for memory fail, each in its turn.

For each call, each error and each n, the n-th call fails, and then all from the n-th on (counted
for each thread). The program has to serve or to say that it is out of memory: it never dies of a
signal other than an abort of its own, never says anything else, and never hears from hakmem.
"""
import argparse
import collections
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

CALLS = ("mmap", "munmap", "madvise", "process_madvise", "mremap", "mprotect")
MAPPING = ("mmap", "mprotect") # what may leave no memory
ERRORS = ("ENOMEM", "EAGAIN", "EPERM")
# KiB with pages, KiB mapped: the blocks may need one more table of the registry, which is 768 KiB.
ROUNDS_SLACK = (64, 768 + 64)
# KiB mapped: after a refused chunk those that follow have other sizes, and what is cut off an aligned
# one may have to stay, without pages.
CHUNK_SLACK = 2048
SKIPPED = 77


class Fault(Exception):
    """What the program may not do."""


def strace(args, log, *options):
    command = ["strace", "-f", "--seccomp-bpf", "-qq", "-o", log, "-e", "signal=none",
               "-e", "trace=" + ",".join(CALLS), *options]
    if args.preload:
        command += ["-E", "LD_PRELOAD=" + args.preload]
    return subprocess.run([*command, args.program, *args.arguments], timeout=60, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL)


def calls_made(log):
    """Call -> the first n to fail and the last: calls of the thread that makes most of them.

    Failures of the dynamic loader are not looked at. It is done when it unmaps the first file that
    it has mapped, its cache of library names.
    """
    counts, loader, cache = collections.Counter(), collections.Counter(), None
    with open(log, encoding="utf-8") as lines:
        for line in lines:
            thread, call, arguments = re.match(r"(\d+) +(?:<\.\.\. )?(\w+)(.*)", line).groups()
            if call not in CALLS or arguments.startswith(" resumed"):
                continue
            counts[thread, call] += 1
            if cache is None and re.search(r"PROT_READ, MAP_PRIVATE, \d+, 0\)", arguments):
                cache = re.search(r"= (0x\w+)", arguments).group(1)
            elif call == "munmap" and arguments.startswith(f"({cache},") and not loader:
                loader.update({name: n for (_, name), n in counts.items()})
    return {call: (loader[call] + 1, max((n for (_, name), n in counts.items() if name == call),
                                         default=0)) for call in CALLS}


def check_growth(args, call, text):
    """The program prints by how many KiB it has grown: resident, mapped."""
    resident, mapped = map(int, text.split())
    if resident > args.growth:
        raise Fault(f"{resident} KiB more resident than at first")
    # Where unmapping or moving is refused the addresses may be lost, without their pages.
    if call not in ("munmap", "mremap") and mapped > args.growth:
        raise Fault(f"{mapped} KiB more mapped than at first")


def memory(text):
    """A name -> KiB with pages, mapped by the kernel's count, mapped by hakmem's."""
    return {line.split()[0]: tuple(map(int, line.split()[1:])) for line in text.splitlines()}


def check_rounds(args, call, which, expected, text):
    """The program prints the memory that it had at first, at most, after trims and at the end."""
    plain, seen = memory(expected), memory(text)
    pages, mapped, counted = seen["end"]
    mapped -= seen["before"][1]
    # After a refused move hakmem cannot tell whether the new place is still mapped.
    if counted > mapped or (counted < mapped and call != "mremap"):
        raise Fault(f"{mapped} KiB are mapped, hakmem counts {counted}")
    if seen["refused"] != (0,) and call not in MAPPING:
        raise Fault("there was memory, but not for all requests")
    # What is refused for good serves the next round; what is refused once goes a little later.
    for when in ("most",) if which else ("kept", "end"):
        factor = 1.5 if which else 1
        most = [kib * factor + slack for kib, slack in zip(plain[when], ROUNDS_SLACK)]
        if call in (*MAPPING, "munmap"):
            most[1] += CHUNK_SLACK
        if seen[when][0] > most[0] or (seen[when][1] > most[1] and call not in args.may_lose):
            raise Fault(f"{when}: {seen[when][:2]} KiB have pages and are mapped, "
                        f"without failures {plain[when][:2]}")


def judge(args, call, which, expected, run):
    """True: served; False: out of memory, and said so."""
    if re.search("^hakmem: ", run.stderr, re.M):
        raise Fault("hakmem complains")
    if run.returncode == 0:
        if args.rounds:
            check_rounds(args, call, which, expected, run.stdout)
        elif args.growth:
            check_growth(args, call, run.stdout)
        elif run.stdout != expected:
            raise Fault("other output")
        return True
    libc_started = "error while loading shared libraries" not in run.stderr
    if (args.growth or args.rounds) and libc_started:
        raise Fault("it did not end well")
    if run.returncode < 0 and run.returncode != -signal.SIGABRT:
        raise Fault("killed")
    if not run.stderr:
        raise Fault("it did not say why it failed")
    return False


def points(first, last, at_most):
    """first .. last, or `at_most` of them evenly spread."""
    calls = last - first + 1
    if at_most == 0 or calls <= at_most:
        return range(first, last + 1)
    return sorted({first + i * (calls - 1) // (at_most - 1) for i in range(at_most)})


def fail_in_turn(args, log, call, error, which, numbers, expected):
    served = refused = 0
    for n in numbers:
        inject = f"inject={call}:error={error}:when={n}{which}"
        try:
            run = strace(args, log, "-e", inject)
            if judge(args, call, which, expected, run):
                served += 1
            else:
                refused += 1
        except subprocess.TimeoutExpired:
            sys.exit(f"{inject}: it hangs")
        except Fault as fault:
            sys.exit(f"{inject}: {fault}; exit {run.returncode}\nstdout: {run.stdout[-2000:]}\n"
                     f"stderr: {run.stderr[-2000:]}")
    if numbers:
        print(f"{call:16}{error:7}{'n-th on' if which else 'n-th':8}n = {numbers[0]} to "
              f"{numbers[-1]}: {served} served, {refused} out of memory", flush=True)
    return served + refused


def skip(reason):
    print(reason)
    sys.exit(SKIPPED)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preload", metavar="LIBRARY", help="for the program")
    parser.add_argument("--at-most", type=int, default=0, metavar="N",
                        help="fail N calls of each kind, evenly spread, each with one error;"
                             " default: every one with every error")
    parser.add_argument("--errors", nargs="+", default=ERRORS, choices=ERRORS)
    parser.add_argument("--growth", type=int, metavar="KIB",
                        help="the program prints its growth, which has to stay below this")
    parser.add_argument("--rounds", action="store_true",
                        help="the program prints its memory, which has to be as without failures")
    parser.add_argument("--may-lose", nargs="+", default=(), choices=CALLS, metavar="CALL",
                        help="of the mapped bytes in --rounds: when one of these is refused")
    parser.add_argument("program")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    if args.at_most == 1 or args.at_most < 0:
        parser.error("--at-most: 0, or 2 and more")
    if not shutil.which("strace"):
        skip("strace is not installed")
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        probe = subprocess.run(["strace", "-f", "-o", log, "true"], capture_output=True, text=True)
        if probe.returncode != 0:
            skip("strace may not trace here: " + probe.stderr.strip().splitlines()[-1])
        plain = strace(args, log)
        if plain.returncode != 0:
            sys.exit(f"without failures: exit {plain.returncode}\n{plain.stderr}")
        numbers = {call: points(*range_, args.at_most) for call, range_ in calls_made(log).items()}
        step = len(args.errors) if args.at_most else 1
        runs = sum(fail_in_turn(args, log, call, error, which, numbers[call][i % step::step],
                                plain.stdout)
                   for call in CALLS for i, error in enumerate(args.errors) for which in ("", "+"))
    print(f"{runs} runs")


if __name__ == "__main__":
    main()
