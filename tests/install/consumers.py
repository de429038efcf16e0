#!/usr/bin/env python3
"""Install hakmem into an empty folder and build programs against it, as its users do.

    consumers.py shared|static|fully-static BUILD_FOLDER    through pkg-config
    consumers.py subproject SOURCE_FOLDER                   as a Meson subproject
"""
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
COMPILERS = {"c": [*shlex.split(os.environ.get("CC", "gcc")), "-std=gnu11"],
             "cpp": [*shlex.split(os.environ.get("CXX", "g++")), "-std=c++17"]}


def run(*command, **kwargs):
    print("+", *command, flush=True)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **kwargs)
    print(done.stdout, end="", flush=True)
    if done.returncode:
        sys.exit(f"FAIL: exit status {done.returncode}: {' '.join(command)}")
    return done.stdout


def run_consumer(program, **more_env):
    if "consumer: good" not in run(str(program), env=dict(os.environ, **more_env)):
        sys.exit("FAIL: the program did not reach its end")


def install(build, stage):
    """Returns the folder of the libraries and an environment that keeps pkg-config to it."""
    run("meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", str(stage))
    files = sorted(path.relative_to(stage) for path in stage.rglob("*") if not path.is_dir())
    print("installed:", *files, sep="\n  ")
    configs = [path for path in files if path.name == "hakmem.pc"]
    if len(configs) != 1:
        sys.exit("FAIL: no hakmem.pc is installed")
    folder = stage / configs[0].parent
    return folder.parent, dict(os.environ, PKG_CONFIG_LIBDIR=str(folder), PKG_CONFIG_PATH="",
                               PKG_CONFIG_SYSROOT_DIR=str(stage))


def build_and_run(way, package, language, libraries, work, env):
    replaces = package == "hakmem"
    program = work / f"{way}-{package}-{language}"
    owner = {"shared": "libhakmem.so", "static": program.name, "fully-static": ""}[way]
    if not replaces and owner:
        owner = "libc.so"
    linking = [] if way == "shared" else ["--static"]
    flags = run("pkg-config", "--cflags", "--libs", *linking, package, env=env).split()
    run(*COMPILERS[language], "-Wall", "-Wextra", "-Werror", "-fno-builtin", "-O1",
        f"-DREPLACES={int(replaces)}", f'-DOWNER="{owner}"', str(HERE / f"consumer.{language}"),
        "-o", str(program), *(["-static"] if way == "fully-static" else []), *flags, "-ldl")
    run_consumer(program, LD_LIBRARY_PATH=str(libraries))


def through_pkg_config(way, build):
    with tempfile.TemporaryDirectory(prefix="hakmem-install-") as folder:
        stage, work = Path(folder) / "stage", Path(folder) / "work"
        work.mkdir()
        libraries, env = install(build, stage)
        if way != "shared":
            for library in libraries.glob("*.so*"):
                library.unlink()
        version = run("pkg-config", "--modversion", "hakmem", env=env).strip()
        for package in ("hakmem", "hakmem-api"):
            for language in COMPILERS:
                build_and_run(way, package, language, libraries, work, env)
        print(f"hakmem {version}, {way}: good")


def as_subproject(source):
    with tempfile.TemporaryDirectory(prefix="hakmem-install-") as folder:
        project, build = Path(folder) / "project", Path(folder) / "build"
        (project / "subprojects").mkdir(parents=True)
        (project / "subprojects" / "hakmem").symlink_to(Path(source).resolve())
        shutil.copy(HERE / "subproject" / "meson.build", project)
        for language in COMPILERS:
            shutil.copy(HERE / f"consumer.{language}", project)
        run("meson", "setup", "--wrap-mode=nodownload", str(build), str(project))
        programs = [f"{kind}-{language}" for kind in ("replaces", "api") for language in COMPILERS]
        run("ninja", "-C", str(build), *programs)
        for program in programs:
            run_consumer(build / program)


def main():
    way, folder = sys.argv[1:]
    if way == "subproject":
        as_subproject(folder)
    else:
        if not shutil.which("pkg-config"):
            print("skipped: pkg-config is not installed")
            sys.exit(77)
        through_pkg_config(way, folder)


if __name__ == "__main__":
    main()
