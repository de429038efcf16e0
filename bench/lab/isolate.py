"""Each run-time switch off alone, against everything on: what a feature costs or gains."""
import numpy as np

from lab import stats
from lab.ab import LEAST_BLOCKS
from lab.contestants import Contestant
from lab.table import CELL, LABEL, costs, failure

ON, ON_AGAIN = "all on", "on again"
# What switches each feature off (docs/options.md), and the build option with which there is
# nothing to switch off.
SWITCHES = {"HAKMEM_P0=0": "p0_refill=false", "HAKMEM_DRAIN=1": None,
            "HAKMEM_BIGCACHE=0": "bigcache=none", "HAKMEM_NURSERY=0": None,
            "HAKMEM_PREWARM=0": "prewarm=false"}
MARKS = {"worse": "+", "better": "-"}


def contestants(library, options, more):
    """The library as it is, twice, for the noise; then with each switch alone."""
    def contestant(name, environment):
        return Contestant(name, library, environment, options, is_hakmem=True)

    found = [contestant(ON, {}), contestant(ON_AGAIN, {})]
    for switch in [*SWITCHES, *more]:
        name, _, value = switch.partition("=")
        if SWITCHES.get(switch) not in options.split():
            found.append(contestant(switch.removeprefix("HAKMEM_"), {name: value}))
    return found


def verdicts(results, rows):
    """switch -> verdict, for one case; None where there is no figure."""
    logs = {name: np.log(costs(runs)) for name, runs in results.items() if not failure(runs)}
    whole = min(map(len, logs.values()), default=0)
    if whole < LEAST_BLOCKS or ON not in logs or ON_AGAIN not in logs:
        return {}
    on, again = logs[ON][:whole], logs[ON_AGAIN][:whole]
    return {name: stats.judge(values[:whole] - (on + again) / 2, again - on, rows)
            for name, values in logs.items() if name not in (ON, ON_AGAIN)}


def print_table(results, names):
    switches = [name for name in names if name not in (ON, ON_AGAIN)]
    print(f"\n{'time with the switch, all on = 1.00':{LABEL}}"
          + "".join(f"{name:>{CELL + 4}}" for name in switches) + f"{'noise':>{CELL}}")
    for case, found in results.items():
        row = verdicts(found, len(results) * len(switches))
        cells = [f"{row[name].ratio:.3f} {MARKS.get(row[name].text, ' ')}" if name in row
                 else f"{failure(found[name]) or '-'}  " for name in switches]
        noise = f"{max(v.floor for v in row.values()) - 1:.1%}" if row else "-"
        print(f"{case.label[:LABEL]:{LABEL}}" + "".join(f"{cell:>{CELL + 4}}" for cell in cells)
              + f"{noise:>{CELL}}")
    print("\n+ slower without the feature, - faster, beyond the noise of equal runs; unmarked: no"
          " difference\nbeyond noise. Above 1 the feature gains.")
