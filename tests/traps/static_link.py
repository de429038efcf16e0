#!/usr/bin/env python3
"""Traps 12 and 24: static and static-pie programs take every allocation name from libhakmem.a.

static_link.py ARCHIVE SOURCE... -- COMPILER...
"""
import os
import subprocess
import sys
import tempfile


def main():
    split = sys.argv.index("--")
    archive, *sources = sys.argv[1:split]
    compiler = sys.argv[split + 1:]
    with tempfile.TemporaryDirectory() as folder:
        for kind in "-static", "-static-pie":
            for source in sources:
                program = os.path.join(folder, "program")
                subprocess.run(compiler + ["-O1", "-fno-builtin", "-fPIE", kind,
                                           source, archive, "-pthread", "-o", program], check=True)
                run = subprocess.run([program], env={"HAKMEM_VERBOSE": "1"}, text=True,
                                     capture_output=True, timeout=60, check=False)
                lines = run.stderr.splitlines()  # forked children write one each, too
                served = lines and all(line.startswith("hakmem ") for line in lines)
                if run.returncode != 0 or not served:
                    sys.exit(f"{kind} {source}: status {run.returncode}, stderr {run.stderr!r}")


if __name__ == "__main__":
    main()
