#!/usr/bin/env python3
"""Run an entry-by-entry test program on the system allocator and on hakmem: same lines wanted.

compare_api.py PROGRAM PROGRAM_ON_HAKMEM [LIBRARY_TO_PRELOAD] [OPTION=VALUE...]

Entries that begin with "ext " are names or cases the system allocator lacks: hakmem must say "ok".
"""
import os
import subprocess
import sys


def observe(program, **extra):
    foreign = ("LD_PRELOAD", "MALLOC_", "HAKMEM_")  # Meson's MALLOC_PERTURB_ dirties every GiB
    env = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    run = subprocess.run([program], env=env | extra, capture_output=True, text=True, timeout=300)
    return dict(line.split("\t") for line in run.stdout.splitlines() if "\t" in line), run


def differences(system, hakmem):
    for entry in system | hakmem:
        want = "ok" if entry.startswith("ext ") else system.get(entry, "no such entry")
        seen = hakmem.get(entry, "no such entry")
        if seen != want:
            yield f"{entry}: want '{want}', seen '{seen}'"


def main():
    program, on_hakmem, *others = sys.argv[1:]
    library = [other for other in others if "=" not in other]
    extra = {"HAKMEM_VERBOSE": "1"}
    extra |= dict(other.split("=") for other in others if "=" in other)
    if library:
        extra["LD_PRELOAD"] = os.path.abspath(library[0])
    system, system_run = observe(program)
    hakmem, run = observe(on_hakmem, **extra)
    faults = list(differences(system, hakmem))
    faults += [f"odd line: {l}" for l in run.stdout.splitlines() if l not in system_run.stdout
               and "\t" not in l]
    if system_run.returncode != 0 or len(system) < 100:
        faults.append("the run on the system allocator failed: the test itself is broken")
    if run.returncode != 0:
        faults.append(f"exit status {run.returncode} on hakmem")
    if not run.stderr.startswith("hakmem ") or run.stderr.count("\n") != 1:
        faults.append(f"want one line 'hakmem ...' on stderr, seen {run.stderr!r}")
    print("\n".join(faults[:40]) or f"{len(hakmem)} entries agree")
    if len(faults) > 40:
        print(f"... and {len(faults) - 40} more")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
