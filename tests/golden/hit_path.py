#!/usr/bin/env python3
"""Count, by kind, the instructions that a cache hit of malloc and of free executes, and free(NULL).

hit_trace single-steps the hits in the built library; objdump tells what each instruction is. Each
size must keep the limits, and the counts of the first size of each kind must equal the golden ones
where the file has this build.

    hit_path.py LIBRARY HIT_TRACE GOLDEN.json BUILD_KEY [--update]
"""
import json
import os
import re
import subprocess
import sys

TINY_MAX_BYTES = 2048
LIMITS = {
    "malloc": {"instructions": 18, "stores": 2, "calls": 0, "locks": 0},
    "free":   {"instructions": 25, "stores": 3, "calls": 0, "locks": 0},
    "malloc of the pool": {"calls": 0, "locks": 0},  # has to compute the class
    "free to the pool":   {"calls": 0, "locks": 0},
    "free of NULL":       {"stores": 0, "calls": 0, "locks": 0},
}
POOL_NAMES = {"malloc": "malloc of the pool", "free": "free to the pool"}
KINDS = ("instructions", "loads", "stores", "branches", "calls", "locks")

PREFIXES = ("lock", "rep", "repz", "repnz", "bnd", "notrack", "data16", "cs")
READS_ONLY = re.compile(r"(cmp|test|bt|i?mul|i?div|ucomis|comis)[bwlqsd]?$")
WRITES_ONLY = re.compile(r"v?mov|set")
NO_ACCESS = re.compile(r"lea|nop|endbr|prefetch")
MEMORY = re.compile(r"\(|^%[fg]s:|^-?0x[0-9a-f]+$")


def kinds(text):
    """What one instruction, as objdump prints it, counts as; AT&T order, the destination last."""
    words = text.split("#")[0].split("<")[0].split()
    prefixes = set()
    while len(words) > 1 and words[0] in PREFIXES:
        prefixes.add(words.pop(0))
    name, operands = words[0], re.split(r",(?![^(]*\))", "".join(words[1:]))
    if name.startswith("j"):
        return {"branches"}
    if name.startswith("call"):
        return {"calls"}
    found = {"stores"} if name.startswith("push") else {"loads"} if name.startswith("pop") else set()
    memory = [MEMORY.search(operand) is not None for operand in operands]
    if any(memory) and not NO_ACCESS.match(name):
        writes = memory[-1] and not READS_ONLY.match(name)
        found |= {"stores"} if writes else {"loads"}
        if writes and not WRITES_ONLY.match(name):
            found.add("loads")
        if "lock" in prefixes or name.startswith("xchg"):
            found.add("locks")
    return found


def disassemble(library):
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", library], check=True,
                             capture_output=True, text=True).stdout
    return {int(address, 16): text.strip()
            for address, text in re.findall(r"^\s+([0-9a-f]+):\s+(\S.*)$", listing, re.M)}


def trace(library, tracer):
    """(function, size) -> the offsets of the instructions it executed."""
    done = subprocess.run([tracer], env=dict(os.environ, LD_PRELOAD=library), capture_output=True,
                          text=True)
    if done.returncode == 77:
        print("skipped: single-stepping is written for x86-64 only")
        sys.exit(77)
    if done.returncode:
        sys.exit(f"FAIL: {tracer}: exit status {done.returncode} {done.stderr}")
    served_by, *lines = done.stdout.splitlines()
    if os.path.realpath(served_by) != os.path.realpath(library):
        sys.exit(f"FAIL: malloc came from {served_by}")
    return {(name, int(size)): [int(offset, 16) for offset in offsets]
            for name, size, *offsets in map(str.split, lines)}


def main():
    library, tracer, golden_file, key, *mode = sys.argv[1:]
    library = os.path.abspath(library)
    code = disassemble(library)
    counts, errors = {}, []
    for (name, size), path in trace(library, tracer).items():
        name = ("free of NULL" if (name, size) == ("free", 0)
                else POOL_NAMES[name] if size > TINY_MAX_BYTES else name)
        found = [kinds(code[offset]) for offset in path]
        count = {kind: sum(kind in k for k in found) for kind in KINDS}
        count["instructions"] = len(path)
        print(f"{name}({size}): {count}")
        if name not in counts:  # the first size is the golden one
            counts[name] = count
            print("".join(f"    {offset:8x}  {code[offset]}\n" for offset in path), end="")
        if not path or not code[path[-1]].startswith("ret"):
            errors.append(f"{name}({size}): the trace does not end in a ret")
        errors += [f"{name}({size}): {count[kind]} {kind}, the limit is {limit}"
                   for kind, limit in LIMITS[name].items() if count[kind] > limit]

    with open(golden_file) as file:
        golden = json.load(file)
    if "--update" in mode:
        with open(golden_file, "w") as file:
            json.dump(dict(sorted({**golden, key: counts}.items())), file, indent=2)
            file.write("\n")
    elif key not in golden:
        print(f"no golden counts for '{key}': only the limits are checked")
    elif golden[key] != counts:
        errors.append(f"counts differ from the golden ones of '{key}': {golden[key]}\n"
                      "if that is wanted, run this script again with --update")
    for error in errors:
        print("FAIL:", error)
    sys.exit(1 if errors or not counts else 0)


if __name__ == "__main__":
    main()
