"""Runs one case on one allocator, once."""
import json
import os
import signal
import subprocess

from lab.errors import RunFailed

CPU = max(os.sched_getaffinity(0))  # interrupts tend to be served by the first


def environment(contestant, preload):
    """Nothing of the caller's environment may change an allocator's behaviour."""
    env = {name: value for name, value in os.environ.items()
           if name not in ("LD_PRELOAD", "GLIBC_TUNABLES", "MALLOC_CONF") and
           not name.startswith(("HAKMEM_", "MALLOC_", "MIMALLOC_", "TCMALLOC_"))}
    env.update(contestant.environment)
    if preload and contestant.library:
        env["LD_PRELOAD"] = contestant.library
    return env


def command(case, contestant, tool):
    """argv; `tool` is the beginning of a command that counts something about the one it starts."""
    library = contestant.library
    if case.takes_preload:
        words = [f"preload={library}"] if library else []
        words += [f"under={' '.join(tool)}"] if tool else []
        return [*case.command, case.workload, *case.arguments, *words]
    preload = ["env", f"LD_PRELOAD={library}"] if tool and library else []
    if tool and tool[0] == "valgrind":  # static itself, and it would watch `env`
        return [*preload, *tool, *case.command, case.workload, *case.arguments]
    return [*tool, *preload, *case.command, case.workload, *case.arguments]


def call(argv, env, timeout, pinned):
    """(exit status, stdout, stderr); the whole process group ends with the time or with Ctrl-C."""
    child = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, errors="replace",
                             start_new_session=True,
                             preexec_fn=lambda: pinned and os.sched_setaffinity(0, {CPU}))
    try:
        out, err = child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        raise RunFailed("timeout", f"no end after {timeout:.0f} s") from None
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
    return child.returncode, out, err


def run_once(case, contestant, timeout, tool=()):
    """What the suite reports; RunFailed when that is not a figure of this allocator's."""
    try:
        status, out, err = call(command(case, contestant, tool),
                                environment(contestant, not case.takes_preload and not tool),
                                timeout, case.threads == 1)
    except OSError as error:
        raise RunFailed("crash", str(error)) from None
    if status:
        said = err.strip().splitlines()[-1:] or [""]
        how = signal.strsignal(-status) if status < 0 else f"exit status {status}"
        raise RunFailed("crash", f"{how} {said[0]}".strip())
    try:
        report = json.loads(out)
        value, served = float(report["value"]), report["malloc"]
    except (ValueError, KeyError, TypeError):
        raise RunFailed("crash", f"not the expected line of JSON: {out.strip()[:80]!r}") from None
    if not is_served_by(contestant, served):
        raise RunFailed("wrong", f"served by {served}")
    return dict(report, value=value)


def is_served_by(contestant, library):
    if contestant.library:
        return os.path.realpath(library) == contestant.library
    return os.path.basename(library).startswith("libc.")


def figures(report):
    """The columns of the store that one run fills."""
    latency = report.get("latency_ns") or {}
    switches = [report.get(f"{kind}_switches") for kind in ("voluntary", "involuntary")]
    return {"status": "ok", "value": report["value"],
            **{name: report.get(name) for name in ("peak_rss_kib", "end_rss_kib", "minor_faults")},
            "context_switches": None if None in switches else sum(switches),
            **{f"{name}_ns": latency.get(name) for name in ("p50", "p99", "p999", "p9999", "max")}}
