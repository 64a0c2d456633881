"""More of the same: `python -m selftest.anybytes --minutes 10` tries new bytes until the time is over.

Every round takes a new seed and twenty times the examples of CI. The first failure ends it, with the example that hypothesis
found to be the smallest; it becomes an `@example` of its test. Exit status 1 then, else 0.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Rounds until the time is over; a round that has begun is finished."""
    parser = argparse.ArgumentParser(prog="python -m selftest.anybytes", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, metavar="N", help="how long to go on (default: 10)")
    parser.add_argument("--factor", type=float, default=20.0, metavar="F", help="how many times CI's examples (default: 20)")
    options = parser.parse_args()
    until, rounds = time.monotonic() + 60 * options.minutes, 0
    while time.monotonic() < until:
        seed, rounds = secrets.randbelow(2**32), rounds + 1
        print(f"== round {rounds}, seed {seed}", flush=True)
        command = [sys.executable, "-m", "pytest", str(HERE), "-q", "-x", "--show-capture=no", f"--hypothesis-seed={seed}"]
        environment = {**os.environ, "ANYBYTES_FACTOR": str(options.factor)}
        if subprocess.call(command, cwd=HERE.parents[1], env=environment):
            return 1
    print(f"== {rounds} rounds, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
