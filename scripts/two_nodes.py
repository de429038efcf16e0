#!/usr/bin/env python3
"""Run tests/numa/two_nodes.c as the first process of an emulated machine with two memory nodes.

    two_nodes.py BUILD KERNEL

BUILD is a build folder with -Dnuma=enabled, KERNEL a vmlinuz with NUMA and a serial console.
Needs gcc, libnuma-dev and qemu-system-x86_64, which here emulates: half a minute.
"""
import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE = "memory-backend-ram,size=384M,id=m{0}"


def cpio_member(name, mode, data):
    """A file of the kernel's archive format, newc."""
    path = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def boot(kernel, archive):
    nodes = [part for i in range(2) for part in ("-object", NODE.format(i),
                                                 "-numa", f"node,memdev=m{i},cpus={i}")]
    command = ["qemu-system-x86_64", "-m", "768M", "-smp", "2,sockets=2", *nodes,
               "-nographic", "-no-reboot", "-net", "none", "-kernel", kernel, "-initrd", archive,
               "-append", "console=ttyS0 quiet panic=-1"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          errors="replace", timeout=600).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("kernel")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program, archive = Path(folder, "init"), Path(folder, "initrd")
        subprocess.run(["gcc", "-O1", "-fno-builtin", "-Wall", "-static", "-o", program,
                        ROOT / "tests/numa/two_nodes.c", args.build / "libhakmem.a",
                        "-lnuma", "-pthread"], check=True)
        archive.write_bytes(cpio_member("init", 0o100755, program.read_bytes())
                            + cpio_member("TRAILER!!!", 0, b""))
        output = boot(args.kernel, str(archive))
    print(output)
    sys.exit("PASSED" not in output)


if __name__ == "__main__":
    main()
