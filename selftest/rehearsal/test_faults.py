"""Every fault changes the deployment, and really: the data, the files, the answers."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from preflight import checklist
from preflight.rehearsal.behaviour import Deployment
from preflight.rehearsal.deploy import Rehearsal
from preflight.rehearsal.faults import FAULTS, LOOK_ALIKES, Fault
from preflight.rehearsal.host import edits, settings
from preflight.rehearsal.plain import from_plain, to_plain
from preflight.rehearsal.runtime import make_secrets
from selftest import vectors
from selftest.engine import test_items_by_stand_ins
from selftest.measure import faults as latency
from selftest.monitoring import test_grafana_items

SAME_LOOK = {
    "PERF-LAT-17": "PERF-LAT-14",
    "PERF-BASE-03": "PERF-BASE-02",
    "PERF-BASE-04": "PERF-BASE-02",
    "PERF-LAT-15": "",  # selftest/measure/test_witness.py
    "PERF-LOAD-01": "",  # selftest/measure/test_capacity_master.py
}
"""Items whose look is that of another item after the deployment, or that is self-tested without a deployment."""

ALL = {**FAULTS, **LOOK_ALIKES}
WEB = Path(edits.__file__).parents[1] / "web"
SECRETS = make_secrets(Deployment().secrets, now=time.time())


def edited(fault: Fault) -> bool:
    return bool(fault.change(Deployment()).host.edits)


def test_there_are_many_of_every_kind() -> None:
    assert len(FAULTS) >= 150
    assert len(LOOK_ALIKES) >= 20
    assert len({fault.theme for fault in ALL.values()}) >= 17


@pytest.mark.parametrize("name", ALL)
def test_the_change_is_one_and_can_be_handed_over(name: str) -> None:
    fault = ALL[name]
    changed = fault.change(Deployment())

    assert changed != Deployment()
    assert from_plain(Deployment, json.loads(json.dumps(to_plain(changed)))) == changed
    assert fault.change(Deployment()) == changed, "the same each time"
    assert fault.name == name
    assert name.replace("_", "").isalnum()
    assert name.islower()
    assert fault.breaks.endswith(".")
    assert fault.theme


def test_every_item_that_looks_for_itself_is_broken_by_something() -> None:
    """By a fault of the matrix, by one of latency, or in a self-test that calls its test with stand-ins."""
    broken = {item for vector in vectors.expectations().values() for item, told in vector.items() if told[0] in ("FAIL", "WARN")}
    broken |= {case.item for case in latency.CASES} | set(test_items_by_stand_ins.CASES) | test_grafana_items.ITEMS
    looking = {item.id for item in checklist.load().by_id.values() if not item.roles}

    assert looking - broken == set(SAME_LOOK)
    assert {other for other in SAME_LOOK.values() if other} <= broken


def test_settings_of_files_change_their_text() -> None:
    clean = Deployment().host
    for fault in ALL.values():
        host = fault.change(Deployment()).host
        if host.env:
            assert settings.env_text(host, SECRETS) != settings.env_text(clean, SECRETS), fault.name
        for path in host.gdscript:
            assert settings.gdscript_text(path, host) != settings.gdscript_text(path, clean), fault.name


def test_edits_of_the_page_find_what_they_replace() -> None:
    for fault in ALL.values():
        for page, changes in fault.change(Deployment()).api.page_edits.items():
            text = (WEB / page.rpartition("/")[2]).read_text()
            assert all(old in text for old in changes), fault.name


@pytest.mark.parametrize("name", [name for name, fault in ALL.items() if edited(fault)])
def test_edits_of_files_apply(clean: Rehearsal, tmp_path: Path, name: str) -> None:
    root, changes = tmp_path / "host", ALL[name].change(Deployment()).host.edits
    unused = () if any(edit.kind == "commit" for edit in changes) else (".git",)
    shutil.copytree(clean.host, root, symlinks=True, ignore=shutil.ignore_patterns(*unused))
    for edit in changes:
        if edit.kind != "pad":
            edits.apply(root, edit, SECRETS, now=time.time())


def test_combined_faults_keep_each_other() -> None:
    deployment = Deployment()
    for name in ("hsts_missing", "alg_none_accepted", "token_in_status", "secret_in_status", "cron_weekly", "log_missing"):
        deployment = FAULTS[name].change(deployment)

    assert deployment.front.add_headers == {}
    assert "none" in deployment.api.authentication.algorithms
    assert len(deployment.host.edits) == 2
