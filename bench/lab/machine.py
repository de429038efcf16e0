"""Facts that stand beside every figure: commit, build options, compiler, processor, kernel."""
import json
import os
import re
import subprocess
from pathlib import Path

from lab.errors import LabError

ROOT = Path(__file__).resolve().parents[2]
NOT_OF_THE_LIBRARY = {"tests", "bench", "bench_peers", "ab"}


def introspect(build, what):
    """One of `meson introspect`'s lists about a build folder."""
    done = subprocess.run(["meson", "introspect", str(build), f"--{what}"], capture_output=True,
                          text=True)
    if done.returncode:
        raise LabError(f"{build} is not a Meson build folder")
    return json.loads(done.stdout)


def text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def build_options(build):
    """The options that shape the library, as "name=value name=value"."""
    return " ".join(f"{option['name']}={text(option['value'])}"
                    for option in introspect(build, "buildoptions")
                    if option["name"] == "buildtype" or
                    option["section"] == "user" and option["name"] not in NOT_OF_THE_LIBRARY)


def compiler(build):
    """The first line of what the build's C compiler says about itself."""
    command = next(source["compiler"] for target in introspect(build, "targets")
                   for source in target["target_sources"] if source["language"] == "c")
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


def commit():
    """The commit of the tree, with a "+" when there are changes on top; empty outside git."""
    git = ["git", "-c", "safe.directory=*", "-C", str(ROOT)]
    done = subprocess.run([*git, "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True)
    if done.returncode:
        return ""
    changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True).stdout
    return done.stdout.strip() + ("+" if changed else "")


def cpu():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return f"{models[0] if models else os.uname().machine} x {os.cpu_count()}"


def kernel(setting=Path("/sys/kernel/mm/transparent_hugepage/enabled")):
    """The release, and to whom it gives large pages, which makes other figures for all allocators."""
    given = re.search(r"\[(\w+)\]", setting.read_text()) if setting.exists() else None
    return os.uname().release + (f" (large pages: {given[1]})" if given else "")


def facts(build):
    """The columns of the store that are the same in all rows of a run of the lab."""
    return {"commit": commit(), "compiler": compiler(build), "cpu": cpu(),
            "kernel": kernel()}


def target(build, name):
    """The file that the build's target `name` makes, or None."""
    found = [t["filename"][0] for t in introspect(build, "targets")
             if t["name"] == name and t["type"] in ("executable", "shared library")]
    return found[0] if found else None
