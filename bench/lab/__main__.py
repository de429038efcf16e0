#!/usr/bin/env python3
"""The lab: python3 bench/lab bench|ab|isolate --help. `./hak` is the usual way in."""
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
try:
    import scipy  # noqa: F401
except ImportError:
    sys.exit(f"hak: {sys.executable} has no scipy: install python3-numpy and python3-scipy, "
             "use /usr/bin/python3")
from lab.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
