#!/usr/bin/env python3
"""Trap 24: nothing in the libraries needs what is not there before TLS and relocations are:
no ifunc, no stack protector, no cpuid."""
import argparse
import re
import subprocess
import sys

LOOKS = [  # what the library must not have, and the tool that shows it
    (r"IRELATIV", ["readelf", "-rW"]),
    (r"\bIFUNC\b", ["readelf", "-sW"]),
    (r"__stack_chk_\w+|__cpu_(model|indicator_init)", ["readelf", "-sW"]),
    (r"\b(cpuid|xgetbv)\b", ["objdump", "-d", "--no-show-raw-insn"]),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", nargs="+")
    errors = []
    for library in parser.parse_args().library:
        for pattern, tool in LOOKS:
            shown = subprocess.run([*tool, library], stdout=subprocess.PIPE, text=True,
                                   check=False)
            if shown.returncode != 0 or not shown.stdout:
                errors.append(f"{library}: {tool[0]} shows nothing")
            errors += [f"{library}: {line.strip()}" for line in shown.stdout.splitlines()
                       if re.search(pattern, line)]
    sys.exit("\n".join(errors) or 0)


if __name__ == "__main__":
    main()
