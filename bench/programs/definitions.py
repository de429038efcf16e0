"""The real programs: what each needs, how its input is made and how it is started.

Every input is the same on every machine; `scale` is its size, 1.0 being about a second of work.
bench/lab measures the programs, scripts/demo.py shows them.
"""
import os
import shutil
import subprocess
import sys
from pathlib import Path

INPUTS = Path(__file__).resolve().parent / "inputs"
GIT_ENVIRONMENT = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


class Program:
    """A command that runs a script of inputs/, its size as last argument."""
    threads = 1
    environment = {}
    stdin = None  # a file in the scratch folder
    is_server = False

    def __init__(self, name, title, command, size):
        self.name, self.title, self.command, self.size = name, title, command, size
        self.needs = command[:1]

    def missing(self):
        """The binaries that this machine has not got."""
        return [name for name in self.needs if not shutil.which(name)]

    def prepare(self, folder, scale):
        """Make the input in the folder."""

    def argv(self, folder, scale):
        return [*self.command, str(int(self.size * scale))]


class Gcc(Program):
    def prepare(self, folder, scale):
        template = (INPUTS / "function.c.in").read_text()
        count = int(self.size * scale)
        text = "".join(template.replace("@N@", str(n)) for n in range(count))
        (folder / "generated.c").write_text(text)

    def argv(self, folder, scale):
        return [*self.command, str(folder / "generated.c")]


class Sqlite(Program):
    stdin = "load.sql"

    def prepare(self, folder, scale):
        template = (INPUTS / "load.sql").read_text()
        (folder / self.stdin).write_text(template.replace("ROWS", str(int(self.size * scale))))

    def argv(self, folder, scale):
        return self.command


class Git(Program):
    """The history of a made-up repository with every difference, renames searched."""
    environment = GIT_ENVIRONMENT

    def prepare(self, folder, scale):
        shutil.rmtree(folder / "repository", ignore_errors=True)
        history = "".join(self.commit(n) for n in range(int(self.size * scale)))
        for command, text in ((["init", "-q", "repository"], ""),
                              (["-C", "repository", "fast-import", "--quiet"], history)):
            subprocess.run(["git", *command], cwd=folder, input=text, text=True, check=True,
                           env={**os.environ, **GIT_ENVIRONMENT})

    @staticmethod
    def commit(number):
        """One commit as git fast-import reads it: three files change, one is renamed."""
        text = [f"commit refs/heads/main\ncommitter A <a@example.org> {1600000000 + number} +0000\n"
                f"data <<END\nchange {number}\nEND\n"]
        for file in range(number, number + 3):
            lines = "".join(f"line {line} of {file % 40} is {number * line % 17}\n"
                            for line in range(60))
            text.append(f"M 644 inline file{file % 40}\ndata <<END\n{lines}END\n")
        text.append(f"R file{number % 40} renamed{number}\n\n")
        return "".join(text)

    def argv(self, folder, scale):
        repository = str(folder / "repository")
        return [*self.command, "-C", repository, "log", "-p", "-M", "--stat", "main"]


class Redis(Program):
    """The server is measured; the time is that of a client on the system's allocator."""
    threads = 2  # not pinned: server and client
    is_server = True
    socket = "redis.sock"

    def __init__(self, *args):
        super().__init__(*args)
        self.needs = ["redis-server", "redis-benchmark", "redis-cli"]

    def argv(self, folder, scale):
        return [*self.command, "--port", "0", "--unixsocket", str(folder / self.socket),
                "--save", "", "--appendonly", "no", "--dir", str(folder)]

    def client(self, folder, scale):
        return ["redis-benchmark", "-s", str(folder / self.socket), "-q", "-r", "100000",
                "-t", "set,get,lpush,hset", "-n", str(int(self.size * scale)), "-d", "150",
                "-P", "16"]

    def stop(self, folder):
        return ["redis-cli", "-s", str(folder / self.socket), "shutdown", "nosave"]


PROGRAMS = [
    Program("python3", "python3: dict, json, re",
            [sys.executable, "-S", str(INPUTS / "words.py")], 40000),
    Gcc("gcc", "gcc -O2", ["gcc", "-O2", "-S", "-o", "-"], 60),
    Sqlite("sqlite3", "sqlite3: bulk load", ["sqlite3", ":memory:"], 250000),
    Redis("redis", "redis-server", ["redis-server"], 200000),
    Program("lua", "lua: trees", ["lua", str(INPUTS / "trees.lua")], 100),
    Git("git", "git log -p", ["git"], 2000),
    Program("perl", "perl: hash, sort, regex", ["perl", str(INPUTS / "words.pl")], 100000),
    Program("node", "node: objects, buffers", ["node", str(INPUTS / "records.js")], 50000),
]
