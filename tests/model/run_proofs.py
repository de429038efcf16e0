#!/usr/bin/env python3
"""Prove what proofs/*.c state, with CBMC, about the sources of the library: for all values within
the bounds. Exit 0, 1, or 77 when cbmc is missing."""
import argparse
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROOFS = Path(__file__).resolve().parent / "proofs"
BOXES = PROOFS.parents[2] / "boxes"
INCLUDED = ("base", "slab", "os_boundary", "page_registry", "page_registry/radix", "retain")

# Name: its value by default and with --full.
BOUNDS = {"WORDS": (2, 4), "GRANULES": (8, 16)}
# Implied by the other proofs, or enumerated by tests/box/class.c as well.
FULL_ONLY = {"prove_class_of_is_monotone", "prove_tiny_table_agrees"}
UNWIND = {"words": 5}  # times that a loop may run, and one; CBMC says so if it can run more often
UNWIND_OTHERS = 9
END = "the end is reached"  # by proof.h: it must be, or else what is given contradicts itself


def prove(source, proof, full, config):
    command = ["cbmc", "--function", proof, "--unwind", str(UNWIND.get(source.stem, UNWIND_OTHERS)),
               "--unwindset", "proof_ctz.0:7", "--unwinding-assertions", "--drop-unused-functions",
               "--slice-formula", "--undefined-shift-check", "--bounds-check"]
    command += [f"-D{name}={values[full]}" for name, values in BOUNDS.items()]
    command += [f"-I{folder}" for folder in (config, *(BOXES / name for name in INCLUDED))]
    done = subprocess.run([*command, str(source)], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.stdout


def check(source, proof, full, config):
    started = time.monotonic()
    output = prove(source, proof, full, config)
    verdicts = re.findall(r"^\[.*?\] (?:line \d+ )?(.*): (SUCCESS|FAILURE|UNKNOWN)$", output, re.M)
    failed = [what for what, verdict in verdicts if verdict != "SUCCESS"]
    good = failed == [END]
    print(f"{'ok  ' if good else 'FAIL'} {source.name} {proof}: {len(verdicts) - len(failed)} "
          f"properties, {time.monotonic() - started:.0f} s", flush=True)
    if not good and failed:
        print("     not proved:", "; ".join(what for what in failed if what != END) or "anything")
    elif not good:
        print(f"     {END} by no value" if verdicts else output)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path, help="folder with hak_config.h: a build folder")
    parser.add_argument("--full", action="store_true", help="all proofs, wider bounds")
    parser.add_argument("--only", metavar="PROOF", help="this one")
    options = parser.parse_args()
    if not (options.config / "hak_config.h").is_file():
        parser.error(f"no hak_config.h in {options.config}")
    if not shutil.which("cbmc"):
        print("cbmc is not installed: nothing proved")
        return 77
    proofs = [(source, proof) for source in sorted(PROOFS.glob("*.c"))
              for proof in re.findall(r"^void (prove_\w+)", source.read_text(), re.M)
              if proof == (options.only or proof)
              and (options.full or options.only or proof not in FULL_ONLY)]
    if not proofs:
        parser.error(f"no proof {options.only}")
    results = [check(source, proof, options.full, options.config) for source, proof in proofs]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
