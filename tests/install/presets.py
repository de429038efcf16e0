#!/usr/bin/env python3
"""Build hakmem with a preset: its options must be in force, and a program must run on the result.

    presets.py SOURCE_FOLDER PRESET
"""
import configparser
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


def wanted(preset):
    """The options of a native file, as text."""
    parser = configparser.ConfigParser()
    parser.read_string(preset.read_text())
    return {name: value.strip("'") for section in parser.sections()
            for name, value in parser[section].items()}


def output(*command, **more_env):
    return subprocess.run(command, check=True, env=dict(os.environ, **more_env), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def check(source, preset, build):
    output("meson", "setup", "--native-file", str(preset), "-Dtests=false", "-Dbench=false", build,
           str(source))
    options = {option["name"]: str(option["value"])
               for option in json.loads(output("meson", "introspect", "--buildoptions", build))}
    for name, value in wanted(preset).items():
        if options.get(name, "").lower() != value:
            sys.exit(f"FAIL: {name} is {options.get(name)}, not {value}")
    output("meson", "compile", "-C", build, "hakmem:shared_library")
    said = output(sys.executable, "-c", "", LD_PRELOAD=f"{build}/libhakmem.so", HAKMEM_VERBOSE="1")
    if "hakmem 0" not in said:
        sys.exit(f"FAIL: not served by hakmem: {said}")


def main():
    source = Path(sys.argv[1])
    preset = source / "presets" / f"{sys.argv[2]}.ini"
    if f"`presets/{preset.name}`" not in (source / "docs/options.md").read_text():
        sys.exit("FAIL: docs/options.md does not explain it")
    with tempfile.TemporaryDirectory(prefix="hakmem-preset-") as build:
        check(source, preset, build)
    print(preset.name, "ok")


main()
