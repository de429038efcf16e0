"""Runs one real program once and says what it took.

Peak memory is ru_maxrss of the program (for gcc: of its largest process); that figure starts at the
size of whoever starts the program, so whoever imports this stays small: about 12 MiB, below which
nothing can be told apart. A server's is VmHWM.
"""
import contextlib
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 30
PRELOAD_FAILED = "cannot be preloaded"  # what the dynamic loader says


class Failed(Exception):
    """The program did not do its work; the text says how."""


@dataclass
class Outcome:
    seconds: float
    peak_kib: int
    minor_faults: int
    voluntary_switches: int
    involuntary_switches: int
    output: bytes
    errors: list    # lines
    preloaded: bool


def run(program, folder, scale, library, under=(), extra=None):
    """Run with `library` preloaded, behind the command `under`, with `extra` in the environment."""
    folder = Path(folder)
    env = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    env.update(program.environment)
    env.update(extra or {})
    argv = [*under, *(["env", f"LD_PRELOAD={library}"] if library else []),
            *program.argv(folder, scale)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        files = {"env": env, "stdout": out, "stderr": err}
        if program.is_server:
            measured = serve(program, folder, scale, library if not under else None, argv, files)
        else:
            measured = finish(program, folder, argv, files)
        out.seek(0)
        err.seek(0)
        seconds, peak_kib, status, usage, preloaded = measured
        lines = err.read().decode(errors="replace").splitlines()
        if status:
            raise Failed(f"exit status {status}: {lines[-1] if lines else ''}")
        preloaded = preloaded and not any(PRELOAD_FAILED in line for line in lines)
        return Outcome(seconds, peak_kib, usage.ru_minflt, usage.ru_nvcsw, usage.ru_nivcsw,
                       b"" if program.is_server else out.read(), lines, preloaded)


def wait(child):
    """(exit status, resource usage) of the child and all that it waited for."""
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage


def finish(program, folder, argv, files):
    with contextlib.ExitStack() as stack:
        stdin = subprocess.DEVNULL
        if program.stdin:
            stdin = stack.enter_context((folder / program.stdin).open())
        started = time.monotonic()
        status, usage = wait(subprocess.Popen(argv, stdin=stdin, **files))
        return time.monotonic() - started, usage.ru_maxrss, status, usage, True


def serve(program, folder, scale, library, argv, files):
    """Start the server, take the time of its client, look at the server's memory, stop it."""
    socket = folder / program.socket
    socket.unlink(missing_ok=True)
    server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, **files)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not socket.exists():
            if server.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{argv[-1]} does not start")
            time.sleep(0.01)
        started = time.monotonic()
        silent = {"env": dict(files["env"]), "stdout": subprocess.DEVNULL}
        subprocess.run(program.client(folder, scale), check=True, **silent)
        seconds = time.monotonic() - started
        process = Path(f"/proc/{server.pid}")
        peak_kib = next(int(line.split()[1]) for line in (process / "status").open()
                        if line.startswith("VmHWM:"))
        maps = (process / "maps").read_text()
        preloaded = not library or os.path.basename(os.path.realpath(library)) in maps
        subprocess.run(program.stop(folder), check=True, **silent)
        status, usage = wait(server)
        return seconds, peak_kib, status, usage, preloaded
    except (subprocess.CalledProcessError, OSError) as error:
        raise Failed(str(error)) from None
    finally:
        if server.returncode is None:
            server.kill()
            server.wait()
