"""Build folders of option sets, and what a build is without running a workload."""
import ast
import json
import re
import shutil
import subprocess
import sys

from lab import machine
from lab.errors import LabError

FOLDER = machine.ROOT / "build-ab"
GOLDEN = machine.ROOT / "tests" / "golden"
TARGETS = ("hakmem:shared_library", "hak_bench", "hit_trace")


def call(command, what):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        errors = re.findall(r"^.*(?:ERROR:|error:|undefined reference).*$",
                            done.stdout + done.stderr, re.M)
        raise LabError(f"{what}: {errors[0] if errors else 'exit status ' + str(done.returncode)}")


def check_options(options):
    for option in options:
        if not re.fullmatch(r"\w+=\S*", option):
            raise LabError(f"'{option}' is not OPTION=VALUE")


def build(name, options):
    """The up to date build folder build-ab/NAME; one that had other options is started afresh."""
    what = f"build of {' '.join(options) or 'the defaults'}"
    folder = FOLDER / name
    made_with = folder / "made-with.json"
    if not made_with.exists() or json.loads(made_with.read_text()) != options:
        shutil.rmtree(folder, ignore_errors=True)
        call(["meson", "setup", "--buildtype=release", "-Dtests=true", "-Dbench=true",
              *(f"-D{option}" for option in options), str(folder), str(machine.ROOT)], what)
        made_with.write_text(json.dumps(options))
    call(["meson", "compile", "-C", str(folder), *TARGETS], what)
    return folder


def needed(build_folder, name):
    """The file that a target makes; it has to exist."""
    path = machine.target(build_folder, name)
    if not path:
        raise LabError(f"{build_folder} has no {name}: configure it with -Dbench=true")
    return path


def code_bytes(library):
    """Code and constants of a library, as `size` counts them."""
    done = subprocess.run(["size", library], capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[1].split()[0])


def hit_path(build_folder):
    """("malloc" or "free") -> its counts on a cache hit, as the golden test takes them."""
    tracer = machine.target(build_folder, "hit_trace")
    if not tracer:
        return {}
    done = subprocess.run(
        [sys.executable, str(GOLDEN / "hit_path.py"), needed(build_folder, "hakmem"), tracer,
         str(GOLDEN / "hit_path.json"), "no such build"], capture_output=True, text=True)
    found = re.findall(r"^(malloc|free)\(\d+\): (\{.*\})$", done.stdout, re.M)
    return {name: ast.literal_eval(counts) for name, counts in reversed(found)}  # the first size
