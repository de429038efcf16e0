#!/usr/bin/env python3
"""Run a real program with and without hakmem preloaded: everything it says must be the same.

run_preload.py LIBRARY CASE [ARGUMENT]

A case is a function below. It works in a fresh folder through a Shell, which records each
command's exit status, standard output and standard error; the two recordings must be equal.
Shell.served() proves that hakmem served a program: it writes a line at exit when HAKMEM_VERBOSE=1.
A missing program skips the test (77).
"""
import difflib
import glob
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

import inputs

SKIP = 77


class Shell:
    """Runs commands in one folder, keeps a transcript. `library`: None for the system allocator."""

    def __init__(self, folder, library):
        self.folder, self.library, self.transcript = folder, library, []
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("LD_PRELOAD", "MALLOC_", "HAKMEM_"))}
        self.env |= {"HOME": folder, "TMPDIR": folder, "LC_ALL": "C"}
        if library:
            self.env["LD_PRELOAD"] = library

    def __call__(self, *command, stdin="", record_output=True, **env):
        run = subprocess.run(command, cwd=self.folder, env=self.env | env, input=stdin, text=True,
                             errors="replace", capture_output=True, check=False)
        self.record(*command, f"exit status {run.returncode}")
        self.record("stderr", run.stderr)
        if record_output:
            self.record(run.stdout)
        return run.stdout

    def record(self, *texts):
        self.transcript += "\n".join(texts).replace(self.folder, "FOLDER").splitlines()

    def served(self, *command, processes=1):
        """At least so many processes of `command` must have been served by hakmem."""
        if not self.library:
            return
        run = subprocess.run(command, cwd=self.folder, env=self.env | {"HAKMEM_VERBOSE": "1"},
                             stdin=subprocess.DEVNULL, text=True, capture_output=True, check=False)
        seen = len(re.findall(r"^hakmem \d+\.\d+\.\d+: ", run.stderr, re.MULTILINE))
        if seen < processes:
            sys.exit(f"{command}: hakmem served {seen} of {processes} processes\n{run.stderr}")

    def mapped(self, pid):
        """The running process `pid` has hakmem mapped."""
        if self.library:
            with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
                if os.path.basename(self.library) not in maps.read():
                    sys.exit(f"process {pid} runs without hakmem")

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)
        return name

    def record_digest(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            self.record(f"{name} {hashlib.sha256(file.read()).hexdigest()}")


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            print(f"{program} is not installed")
            sys.exit(SKIP)


# --- the programs --------------------------------------------------------------------------------


def find_python():
    """An interpreter that has its own regression tests."""
    for python in [sys.executable, *glob.glob("/usr/bin/python3.[0-9]*"),
                   *sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.1*/bin/python3")))]:
        probe = subprocess.run([python, "-c", "import test.test_json"], capture_output=True,
                               check=False)
        if probe.returncode == 0:
            return python
    print("no python3 with the package 'test' is installed")
    return sys.exit(SKIP)


def python_tests(shell, module):
    python = find_python()
    # Without python's own small-object allocator everything reaches malloc.
    shell(python, "-m", "test", "--junit-xml", "results.xml", module, record_output=False,
          PYTHONMALLOC="malloc")
    shell.transcript[:] = [re.sub(r"\d+(\.\d+)?", "N", line) for line in shell.transcript]
    results = xml.etree.ElementTree.parse(os.path.join(shell.folder, "results.xml"))
    for case in sorted(results.iter("testcase"), key=lambda case: case.get("name")):
        outcome = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        shell.record(f"{case.get('name')} {outcome or 'passed'}")
    assert sum(line.endswith(" passed") for line in shell.transcript) >= 5, "too few tests ran"
    shell.served(python, "-c", "pass")


def perl(shell):
    need("perl")
    shell("perl", "-w", shell.write("work.pl", inputs.PERL))
    shell.served("perl", "-e", "1")


def bash(shell):
    need("bash", "perl")
    shell("bash", shell.write("work.sh", inputs.BASH))
    shell.served("bash", "-c", "bash -c : | perl -e 1; :", processes=3)


def compiler(shell, command, source, text, *flags, digest=True):
    need(command)
    shell.write(source, text)
    same_paths = f"-ffile-prefix-map={shell.folder}=."
    shell(command, "-O2", "-g", same_paths, "-c", source, "-o", "out.o", *flags)
    if digest:
        shell.record_digest("out.o")
    shell(command, "out.o", "-o", "program", *flags)
    shell("./program")
    children = command.startswith("g")  # gcc runs cc1 and as; clang does the work itself
    shell.served(command, "-c", source, "-o", "again.o", processes=3 if children else 1)


def gcc(shell):
    compiler(shell, "gcc", "work.c", inputs.c_source(150))


def gxx(shell):
    compiler(shell, "g++", "work.cc", inputs.CXX, "-pthread")


def gxx_lto(shell):
    compiler(shell, "g++", "work.cc", inputs.CXX, "-pthread", "-flto=2", digest=False)


def clang(shell):
    compiler(shell, "clang", "work.c", inputs.c_source(150))


def clangxx(shell):
    compiler(shell, "clang++", "work.cc", inputs.CXX, "-pthread")


def git(shell):
    need("git")
    shell.env["GIT_CONFIG_NOSYSTEM"] = "1"
    shell("git", "init", "-q", "-b", "main", "origin")
    shell("git", "-C", "origin", "fast-import", "--quiet", stdin=inputs.git_history(60))
    shell("git", "clone", "-q", f"file://{shell.folder}/origin", "copy")
    shell("git", "-C", "copy", "repack", "-adfq", "--threads=4", "--depth=50", "--window=50")
    shell("git", "-C", "copy", "fsck", "--full", "--strict", "--no-progress")
    shell("git", "-C", "copy", "log", "--stat", "-p", "-n", "30")
    shell("git", "-C", "copy", "rev-list", "--objects", "--all")
    shell("git", "-C", "copy", "blame", "file0.txt")
    shell("git", "-C", "copy", "gc", "--quiet", "--aggressive")
    shell("git", "-C", "copy", "status", "--porcelain")
    shell.served("git", "clone", "-q", f"file://{shell.folder}/origin", "again", processes=3)


def sqlite(shell, rows="200000"):
    need("sqlite3")
    shell("sqlite3", "-batch", "data.db", stdin=inputs.SQL.format(rows=rows))
    shell.record_digest("data.db")
    shell.served("sqlite3", ":memory:", "select 1")


def redis(shell, requests="20000"):
    need("redis-server", "redis-cli", "redis-benchmark")
    socket = os.path.join(shell.folder, "s")
    server = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly",
         "no", "--dir", shell.folder, "--enable-debug-command", "yes", "--io-threads", "2"],
        cwd=shell.folder, env=shell.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True)
    try:
        while not os.path.exists(socket):
            assert server.poll() is None, server.stderr.read()
            time.sleep(0.05)
        shell("redis-benchmark", "-s", socket, "-q", "-n", requests, "-c", "20", "-P", "8",
              "-r", "10000", "-d", "100", "-t",
              "set,get,lpush,rpop,sadd,spop,hset,zadd,zpopmin,lrange_100,mset", record_output=False)
        shell("redis-cli", "-s", socket, "flushall")
        shell("redis-cli", "-s", socket, "eval", inputs.REDIS_LUA, "0")
        shell("redis-cli", "-s", socket, "debug", "digest")
        shell("redis-cli", "-s", socket, "memory", "purge")
        shell.mapped(server.pid)
    finally:
        server.send_signal(signal.SIGTERM)
        _, errors = server.communicate(timeout=30)
    shell.record(f"redis-server exit status {server.returncode}", errors)
    shell.served("redis-server", "--version")


def node(shell):
    need("node")
    shell("node", shell.write("work.js", inputs.NODE))
    shell.served("node", "-e", "1")


def java(shell):
    need("java", "javac")
    shell.write("Work.java", inputs.JAVA)
    shell("javac", "Work.java")
    shell("java", "-Xmx256m", "Work")
    shell.served("java", "-version")


# --- comparing -----------------------------------------------------------------------------------


def transcript(case, arguments, library):
    with tempfile.TemporaryDirectory(prefix="hak") as folder:
        shell = Shell(folder, library)
        case(shell, *arguments)
        return shell.transcript


def main():
    library, name, *arguments = sys.argv[1:]
    case = globals()[name]
    system = transcript(case, arguments, None)
    hakmem = transcript(case, arguments, os.path.abspath(library))
    differences = list(difflib.unified_diff(system, hakmem, "system", "hakmem", lineterm="", n=2))
    print("\n".join(differences[:60]) or f"{len(system)} lines are the same")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
