#!/usr/bin/env python3
"""Compile each public header alone, included twice, in every language it promises, no warnings."""
import shutil
import subprocess
import sys
from pathlib import Path

STANDARDS = [("c", "c11"), ("c", "c17"), ("c++", "c++11"), ("c++", "c++20")]
COMPILERS = {"c": ["gcc", "clang"], "c++": ["g++", "clang++"]}


def main():
    include = Path(sys.argv[1])
    headers = sorted(include.rglob("*.h"))
    checked = failed = 0
    for language, standard in STANDARDS:
        for compiler in filter(shutil.which, COMPILERS[language]):
            for header in headers:
                text = f"#include <{header.relative_to(include)}>\n" * 2 + "extern int used;\n"
                done = subprocess.run(
                    [compiler, f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion",
                     "-Werror", "-fsyntax-only", "-x", language, "-I", str(include), "-"],
                    input=text, text=True, capture_output=True)
                checked += 1
                if done.returncode:
                    failed += 1
                    print(f"FAIL: {header.name} with {compiler} -std={standard}\n{done.stderr}")
    print(f"{len(headers)} headers, {checked} compilations, {failed} failed")
    sys.exit(1 if failed or not checked else 0)


if __name__ == "__main__":
    main()
