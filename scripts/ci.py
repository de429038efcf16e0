#!/usr/bin/env python3
"""Build and test every variant of hakmem; called by ./hak test.

Each variant gets a build folder build-ci/NAME/, which also keeps its log (log.txt).
The last line printed is "N passed, M failed, K skipped".
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build-ci"

MAIN = "box core api misuse traps traps-preloaded golden stress fuzz"
ONCE = "install preload presets model fault bench lab report"
COMBINED = "core api traps golden stress fuzz" # options that other rows have tested one by one
QUICK = "box core api misuse traps traps-preloaded golden install"
INTERNAL = "box core stress"

# name, compiler, Meson options (-D omitted), suites. The first row is the default build.
MATRIX = [
    ("default",        "gcc",   "", MAIN + " " + ONCE),
    ("clang",          "clang", "", MAIN + " install"),
    # the eight combinations of the three booleans (the eighth is the default build)
    ("p0-off",         "gcc",   "p0_refill=false", COMBINED + " misuse"),
    ("prewarm",        "gcc",   "prewarm=true", COMBINED + " misuse"),
    ("prewarm-p0-off", "gcc",   "prewarm=true p0_refill=false", COMBINED),
    ("header",         "gcc",   "header_classidx=true", MAIN + " install preload-brief"),
    ("header-p0-off",  "gcc",   "header_classidx=true p0_refill=false", COMBINED),
    ("header-prewarm", "gcc",   "header_classidx=true prewarm=true", COMBINED),
    ("header-prewarm-p0-off", "gcc", "header_classidx=true prewarm=true p0_refill=false", COMBINED),
    # the other implementations of the boxes
    ("flat",           "gcc",   "page_registry=flat", MAIN + " fault"),
    ("locked",         "gcc",   "remote_queue=locked hardening=light", MAIN),
    ("bigcache-none",  "gcc",   "bigcache=none hardening=full", MAIN),
    # checks
    ("debug",          "gcc",   "debug_level=2 numa=enabled", COMBINED + " box"),
    ("debug-3",        "gcc",   "debug_level=3", "core misuse"),
    ("asan",           "gcc",   "b_sanitize=address,undefined b_lundef=false", INTERNAL + " fuzz"),
    ("tsan",           "clang", "b_sanitize=thread b_lundef=false", INTERNAL),
    # another C library
    ("musl",           "gcc",   "--cross-file=tests/cross/musl.ini", "core stress traps"),
    # another processor, emulated
    ("aarch64",        "gcc",   "--cross-file=tests/cross/aarch64.ini", "core stress fuzz"),
]

LIVE_FUZZ = {"heap": 30, "span": 14, "registry_radix": 8, "registry_flat": 8} # seconds

CXX = {"gcc": "g++", "clang": "clang++"}
RESULTS = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1",
}


class Tally:
    def __init__(self):
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}

    def add(self, name, passed, failed, skipped, started, note=""):
        for key, value in zip(self.counts, (passed, failed, skipped)):
            self.counts[key] += value
        verdict = "FAIL" if failed else "ok"
        print(f"{verdict:4}  {name:22} {passed:4} passed {failed:4} failed {skipped:4} skipped "
              f"{time.monotonic() - started:6.0f} s  {note}", flush=True)


def quote(text, lines):
    print("".join(f"      | {line}\n" for line in text.splitlines()[-lines:]), end="", flush=True)


def tail(path):
    quote(path.read_text(errors="replace"), 40)


def logged(log, command, **kwargs):
    with open(log, "a") as out:
        print("+", *command, file=out, flush=True)
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out,
                              stderr=subprocess.STDOUT, cwd=ROOT, **kwargs).returncode


def check_format(tally):
    started = time.monotonic()
    command = ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z",
               "*.c", "*.h", "*.cc", "*.cpp"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    listed = [name for name in names.split("\0") if name and (ROOT / name).exists()]
    log = OUT / "format.log"
    log.unlink(missing_ok=True)
    bad = logged(log, ["clang-format", "--dry-run", "-Werror", *listed]) != 0
    tally.add("format", int(not bad), int(bad), 0, started, f"{len(listed)} files")
    if bad:
        names = sorted(set(re.findall(r"^([^:\n]+):\d+:\d+: error", log.read_text(), re.M)))
        quote("\n".join(["run clang-format -i on", *names]), 200)


def build(folder, compiler, options, benched):
    """Configure and compile; a folder configured for another row is started afresh."""
    log = folder / "log.txt"
    settings = ["-Dbuildtype=release", "-Dtests=true", "-Dwerror=true",
                f"-Dbench={str(benched).lower()}",
                *(option if option.startswith("--") else f"-D{option}"
                  for option in options.split())]
    row = folder / "row.json"
    wanted = json.dumps([compiler, settings])
    if not row.exists() or row.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        cache = "ccache " if shutil.which("ccache") else "" # rows compile much that is the same
        env = dict(os.environ, CC=cache + compiler, CXX=cache + CXX[compiler])
        if logged(log, ["meson", "setup", *settings, str(folder), str(ROOT)], env=env):
            return False
        row.write_text(wanted)
    return logged(log, ["ninja", "-C", str(folder)],
                  env=dict(os.environ, CCACHE_DIR=str(OUT / "ccache"))) == 0


def test_command(folder, suites, options):
    command = ["meson", "test", "-C", str(folder), "--no-rebuild", "--print-errorlogs",
               "--num-processes", str((os.cpu_count() or 1) + 2)] # many tests wait now and then
    for suite in suites.split():
        command += ["--suite", suite]
    command += ["--timeout-multiplier", "8" if "b_sanitize" in options else "2"]
    # gcc 12's ThreadSanitizer cannot place its shadow on kernels with more address randomisation.
    if "b_sanitize=thread" in options and not subprocess.run(
            ["setarch", "-R", "true"], stderr=subprocess.DEVNULL).returncode:
        command = ["setarch", "-R", *command]
    return command


def run_variant(tally, name, compiler, options, suites):
    started = time.monotonic()
    if sys.stdout.isatty():
        print(f"...   {name}", end="\r", flush=True)
    folder = OUT / name
    log = folder / "log.txt"
    log.unlink(missing_ok=True)
    if not build(folder, compiler, options, "bench" in suites.split()):
        tally.add(name, 0, 1, 0, started, f"does not build, see {log.relative_to(ROOT)}")
        tail(log)
        return
    results = folder / "meson-logs" / "testlog.json"
    results.unlink(missing_ok=True)
    logged(log, test_command(folder, suites, options), env=dict(SANITIZERS, **os.environ))
    tests = [json.loads(line) for line in results.open()] if results.exists() else []
    outcome = [RESULTS.get(test["result"], "failed") for test in tests]
    failed = [test for test, what in zip(tests, outcome) if what == "failed"]
    note = "" if tests else "no test ran"
    tally.add(name, outcome.count("passed"), len(failed) or int(not tests),
              outcome.count("skipped"), started, note)
    for test, what in zip(tests, outcome):
        if what != "passed":
            print(f"      {test['result']}: {test['name']}")
            output = (test.get("stdout") or "") + (test.get("stderr") or "")
            quote(output, 30 if what == "failed" else 1)


def fuzz(tally):
    """Look for new inputs that break a fuzz target."""
    started = time.monotonic()
    folder = OUT / "fuzz"
    folder.mkdir(exist_ok=True)
    log = folder / "log.txt"
    log.unlink(missing_ok=True)
    failed = [target for target, seconds in LIVE_FUZZ.items()
              if logged(log, ["scripts/fuzz.sh", target, str(seconds)],
                        env=dict(os.environ, HAK_FUZZ_OUT=str(folder)))]
    tally.add("fuzz", len(LIVE_FUZZ) - len(failed), len(failed), 0, started)
    if failed:
        print(f"      {', '.join(failed)}: the input is in {folder / 'failures'}")
        tail(log)


def main():
    parser = argparse.ArgumentParser(prog="hak test")
    parser.add_argument("--quick", action="store_true", help="only the format and the first row")
    parser.add_argument("--only", metavar="NAME", action="append", help="only these rows")
    args = parser.parse_args()
    unknown = set(args.only or ()) - {row[0] for row in MATRIX}
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")

    OUT.mkdir(exist_ok=True)
    tally = Tally()
    check_format(tally)
    fuzzing = None # one process, beside the others
    if not args.quick and not args.only:
        fuzzing = ThreadPoolExecutor(1).submit(fuzz, tally)
    for name, compiler, options, suites in MATRIX[:1] if args.quick else MATRIX:
        if not args.only or name in args.only:
            run_variant(tally, name, compiler, options, QUICK if args.quick else suites)
    if fuzzing:
        fuzzing.result() # or what it raised
    passed, failed, skipped = tally.counts.values()
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
