#!/usr/bin/env python3
"""Demonstration: real programs on the system allocator and on hakmem in turn.

Prints time and peak RSS of both and the proof that hakmem served the run: the line which each
process prints at its end under HAKMEM_VERBOSE=1, or the maps of a server that is running.
"""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 3

PYTHON = """
import json, re
words = [f"word{i * 7919 % 100003}" for i in range(60000)]
total = 0
for turn in range(4):
    index = {}
    for i, word in enumerate(words):
        index.setdefault(word[:6], []).append({"at": i, "text": word * 2, "turn": [turn, i]})
    text = json.dumps(index)
    total += len(json.loads(text)) + len(re.findall(r"word1[0-9]+", text)) + len(text)
print(total)
"""

C_FUNCTION = """
struct s{n} {{ int a[{n} % 7 + 2]; struct s{n} *next; double weight; }};
static int sort{n}(struct s{n} *v, int n) {{
    int moves = 0;
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && v[j - 1].weight > v[j].weight; j--, moves++) {{
            struct s{n} t = v[j]; v[j] = v[j - 1]; v[j - 1] = t;
        }}
    return moves;
}}
int walk{n}(struct s{n} *head, int depth) {{
    int sum = {n};
    for (struct s{n} *p = head; p && depth--; p = p->next)
        switch (p->a[0] % 5) {{
        case 0: sum += sort{n}(p, depth); break;
        case 1: sum ^= p->a[1] << (depth & 7); break;
        case 2: sum -= walk{n}(p->next, depth / 2); break;
        default: p->weight *= sum;
        }}
    return sum;
}}
"""

SQL = """
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, price REAL, note BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000)
  INSERT INTO item SELECT i, printf('item %d', i * 7919 % 500009), i / 7.0, zeroblob(i % 90) FROM n;
CREATE INDEX by_name ON item(name);
DELETE FROM item WHERE id % 3 = 0;
SELECT count(*), round(sum(price), 2), min(name), max(name) FROM item;
SELECT substr(name, 1, 7) AS head, count(*) FROM item GROUP BY head ORDER BY 2 DESC, 1 LIMIT 5;
PRAGMA integrity_check;
"""


class Run:
    """What one run took, what it printed, and how many processes say that hakmem served them."""
    def __init__(self, seconds, peak_kib, output, served):
        self.seconds, self.peak_kib, self.output, self.served = seconds, peak_kib, output, served


def environment(library, verbose=False):
    env = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD" and not k.startswith("HAKMEM_")}
    if library:
        env["LD_PRELOAD"] = library
    if verbose:
        env["HAKMEM_VERBOSE"] = "1"
    return env


def run_command(command, library, verbose, stdin=None):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.monotonic()
        child = subprocess.Popen(command, env=environment(library, verbose), stdout=out, stderr=err,
                                 stdin=stdin or subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        out.seek(0)
        err.seek(0)
        lines = err.read().decode(errors="replace").splitlines()
        if child.returncode:
            raise RuntimeError(f"exit status {child.returncode}: {lines[-1] if lines else ''}")
        return Run(seconds, usage.ru_maxrss, out.read(),
                   sum(line.startswith("hakmem ") for line in lines))


def run_python(folder, library, verbose):
    return run_command([sys.executable, "-S", "-c", PYTHON], library, verbose)


def run_gcc(folder, library, verbose):
    source = folder / "generated.c"
    if not source.exists():
        source.write_text("".join(C_FUNCTION.format(n=n) for n in range(100)))
    return run_command(["gcc", "-O2", "-S", "-o", "-", str(source)], library, verbose)


def run_sqlite(folder, library, verbose):
    script = folder / "load.sql"
    script.write_text(SQL)
    with script.open() as stdin:
        return run_command(["sqlite3", ":memory:"], library, verbose, stdin)


def run_redis(folder, library, verbose):
    """The client always runs on the system allocator; its time is what is taken."""
    socket = folder / "redis.sock"
    server = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly",
         "no", "--dir", str(folder)], env=environment(library), stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not socket.exists():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("redis-server does not start")
            time.sleep(0.01)
        started = time.monotonic()
        subprocess.run(["redis-benchmark", "-s", str(socket), "-q", "-t", "set,get,lpush,hset",
                        "-n", "300000", "-r", "100000", "-d", "150", "-P", "16"],
                       env=environment(None), check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - started
        proc = Path(f"/proc/{server.pid}")
        peak = next(int(line.split()[1]) for line in (proc / "status").read_text().splitlines()
                    if line.startswith("VmHWM:"))
        served = bool(library) and os.path.realpath(library) in (proc / "maps").read_text()
        return Run(seconds, peak, b"", int(served))
    finally:
        server.terminate()
        server.wait()
        socket.unlink(missing_ok=True)


# title, programs it needs, how to run it once
PROGRAMS = [
    ("python3: dict, json, re", ["python3"], run_python),
    ("gcc -O2", ["gcc"], run_gcc),
    ("sqlite3: bulk load", ["sqlite3"], run_sqlite),
    ("redis-server", ["redis-server", "redis-benchmark"], run_redis),
]


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def compare(title, runner, folder, library):
    """One line of the table; the first pair of runs warms up and gives the proof."""
    progress(f"{title}: proof")
    expected = runner(folder, None, False)
    proof = runner(folder, library, True)
    if proof.output != expected.output:
        raise RuntimeError("prints something else on hakmem")
    runs = {None: [], library: []}
    for number in range(ROUNDS):
        for preload, results in runs.items():
            allocator = "hakmem" if preload else "system"
            progress(f"{title}: round {number + 1} of {ROUNDS}, {allocator}")
            results.append(runner(folder, preload, False))
    progress("")
    seconds = [statistics.median(run.seconds for run in results) for results in runs.values()]
    peaks = [statistics.median(run.peak_kib for run in results) / 1024 for results in runs.values()]
    served = {0: "NO", 1: "yes"}.get(proof.served, f"yes ({proof.served} processes)")
    print(f"{title:25} {seconds[0]:7.2f} s {seconds[1]:7.2f} s {seconds[1] / seconds[0]:7.2f}"
          f" {peaks[0]:10.1f} MiB {peaks[1]:8.1f} MiB   {served}", flush=True)
    return bool(proof.served)


def main():
    library = sys.argv[1]
    print(f"{'':26} ------ median time ------- ------ peak RSS -------")
    print(f"{'program':25} {'system':>9} {'hakmem':>9} {'ratio':>7} {'system':>14} {'hakmem':>12}"
          "   served by hakmem", flush=True)
    good = ran = 0
    for title, needs, runner in PROGRAMS:
        missing = [name for name in needs if not shutil.which(name)]
        if missing:
            print(f"{title:25} not run: {', '.join(missing)} is not installed", flush=True)
            continue
        ran += 1
        with tempfile.TemporaryDirectory(prefix="hakmem-demo-") as folder:
            try:
                good += compare(title, runner, Path(folder), library)
            except (RuntimeError, subprocess.CalledProcessError) as error:
                progress("")
                print(f"{title:25} FAILED: {error}", flush=True)
    print("\nA ratio below 1.00 is faster on hakmem. Proof: with HAKMEM_VERBOSE=1 each process that"
          "\nhakmem served prints a line at its end; redis-server has the library in /proc/PID/maps.")
    sys.exit(0 if ran and good == ran else 1)


if __name__ == "__main__":
    main()
