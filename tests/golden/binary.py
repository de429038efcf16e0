#!/usr/bin/env python3
"""Check what the linker sees of a built library.

    binary.py exports LIBRARY NAMES.txt   defines the names of the file, all of them and no others
    binary.py imports LIBRARY             needs libc alone, and nothing of it that may allocate,
                                          print or look up symbols
    binary.py tls LIBRARY                 static TLS is scarce: at most 64 bytes of it, none dynamic
"""
import fnmatch
import re
import subprocess
import sys

TLS_LIMIT_BYTES = 64

FORBIDDEN = """
    __tls_get_addr
    malloc calloc realloc free reallocarray *memalign *aligned_alloc valloc pvalloc malloc_* mall*
    operator?new* _Znw* _Zna* _Zdl* _Zda* strdup strndup asprintf
    dlsym dlvsym dlopen dlerror dladdr
    *printf *printf_chk fopen* fdopen puts fputs fputc putc putchar stdout stderr stdin
    setlocale localeconv strerror perror syslog backtrace*
    mmap mmap64 munmap mremap madvise mprotect sbrk brk
""".split()

# malloc_stats and malloc_info are defined to write to stdio streams. The key that tells of a
# thread's end is made early: it is among the 32 whose values glibc keeps without allocating.
ALLOWED = {"fprintf", "stderr"}


def symbols(library, *options):
    listing = subprocess.run(["nm", "-D", *options, library], check=True, capture_output=True,
                             text=True).stdout
    return {line.split()[-1].split("@")[0] for line in listing.splitlines()}


def check_exports(library, names_file):
    with open(names_file) as file:
        wanted = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    if wanted != sorted(wanted):
        return [f"{names_file} is not sorted"]
    found = symbols(library, "--defined-only")
    return ([f"missing: {name}" for name in wanted if name not in found]
            + [f"not in {names_file}: {name}" for name in sorted(found - set(wanted))])


def check_imports(library):
    found = symbols(library, "--undefined-only")
    if not found:
        return ["the library imports nothing at all: nm cannot have read it right"]
    print("imports:", *sorted(found))
    dynamic = subprocess.run(["readelf", "-dW", library], check=True, capture_output=True,
                             text=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    return [f"needs {name}" for name in needed if not re.match(r"libc\.so|ld-linux", name)] + [f"imports {name} (forbidden: {pattern})" for name in sorted(found - ALLOWED)
            for pattern in FORBIDDEN if fnmatch.fnmatchcase(name, pattern)]


def check_tls(library):
    headers = subprocess.run(["readelf", "-lW", library], check=True, capture_output=True,
                             text=True).stdout
    segments = re.findall(r"^\s+TLS\s+\S+\s+\S+\s+\S+\s+\S+\s+(\S+)", headers, re.M)
    if len(segments) != 1:
        return [f"{len(segments)} TLS segments, one expected"]
    size = int(segments[0], 16)
    print(f"TLS segment: {size} bytes")
    if not 0 < size <= TLS_LIMIT_BYTES:
        return [f"TLS segment of {size} bytes, the limit is {TLS_LIMIT_BYTES}"]
    relocations = subprocess.run(["readelf", "-rW", library], check=True, capture_output=True,
                                 text=True).stdout
    return [f"dynamic TLS: {line}" for line in relocations.splitlines()
            if re.search("DTPMOD|TLSDESC", line)]


def main():
    check, *arguments = sys.argv[1:]
    checks = {"exports": check_exports, "imports": check_imports, "tls": check_tls}
    errors = checks[check](*arguments)
    for error in errors:
        print("FAIL:", error)
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
