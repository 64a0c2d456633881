"""Collecting the checklist is quick: what only those need who look is loaded when they look."""

import json
import subprocess
import sys

from preflight.checklist import ROOT

_HEAVY = ("numpy", "scipy", "requests", "lark", "yaml", "prometheus_client", "asyncio", "rich.progress", "crossplane", "fabric")
_COLLECT = """
import contextlib, io, json, sys, pytest
with contextlib.redirect_stdout(io.StringIO()) as said:
    status = pytest.main(["--collect-only", "-q", "tests"])
json.dump([int(status), len(said.getvalue().splitlines()), sorted(sys.modules)], sys.stdout)
"""


def test_collecting_loads_no_heavy_library():
    done = subprocess.run(
        [sys.executable, "-c", _COLLECT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    status, lines, modules = json.loads(done.stdout)
    assert status == 0, modules
    assert lines > 400
    assert set(_HEAVY) & set(modules) == set()
