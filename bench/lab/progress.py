"""Where a long run is and how long it still takes, on stderr."""
import sys
import time

QUIET_SECONDS = 15  # between lines when stderr is not a terminal


def clock(seconds):
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    return f"{minutes}:{seconds:02}"


class Progress:
    def __init__(self, cases, stream=None):
        self.cases, self.stream = cases, stream or sys.stderr
        self.started = time.monotonic()
        self.skipped = None  # the part of the work that an earlier command had done
        self.said = self.started - QUIET_SECONDS

    def step(self, case_number, part, text):
        """About to do something; `part` of case number `case_number`, from 0, is done."""
        done = (case_number + part) / self.cases
        if self.skipped is None:
            self.skipped = done
        passed = time.monotonic() - self.started
        fresh = done - self.skipped
        left = f"{clock(passed * (1 - done) / fresh)} left" if fresh > 0 else "?:?? left"
        self.say(f"[{case_number + 1}/{self.cases}] {left}  {text}")

    def say(self, line):
        if self.stream.isatty():
            print(f"\r\033[K{line}", end="", file=self.stream, flush=True)
        elif time.monotonic() - self.said >= QUIET_SECONDS:
            self.said = time.monotonic()
            print(f"hak: {line}", file=self.stream, flush=True)

    def clear(self):
        if self.stream.isatty():
            print("\r\033[K", end="", file=self.stream, flush=True)
