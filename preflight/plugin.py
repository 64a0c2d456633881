"""pytest: options and markers, and how a run begins and ends, alone or with workers.

With `collecting`, `running`, `options` and `reports` the only one that knows pytest's own objects.

A run is an acceptance run when it collects from `tests/`; everything else (the suite's own tests) is left alone.
"""

from __future__ import annotations

import gc
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from preflight.checklist import ChecklistError
from preflight.collecting import Collection, collection_key, collects_acceptance_tests, load_checklist, undecided_in
from preflight.errors import UsageError
from preflight.fixtures import session_key
from preflight.options import MARKERS, add_options
from preflight.outcome import VerdictStage
from preflight.redact import RedactingStream, Redactor, Secret, know
from preflight.session import Session, check_limits, new_folder, new_run_id, now, read_people, stage_of
from preflight.start import Started, joined, start
from preflight.target import TargetError

pytest_plugins = [
    "preflight.collecting",
    "preflight.running",
    "preflight.fixtures",
    "preflight.hostfixtures",
    "preflight.measuring",
    "preflight.monitorfixtures",
    "preflight.alertfixtures",
    "preflight.windowfixtures",
    "preflight.vrfixtures",
]

_started_key = pytest.StashKey[Started]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of an acceptance run."""
    add_options(parser)


_WITH_PATHS = ("--target", "--record", "--pending", "--frames")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Mend `--target FILE` with a file elsewhere: pytest takes the bare path for a place to find its root by."""
    if (config.rootpath / "checklist.toml").exists() or not (config.invocation_params.dir / "checklist.toml").exists():
        return None
    words, joined = list(config.invocation_params.args), []
    while words:
        word = words.pop(0)
        joined.append(f"{word}={words.pop(0)}" if word in _WITH_PATHS and words else word)
    return None if tuple(joined) == config.invocation_params.args else int(pytest.main(joined))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Decide whether this is an acceptance run, and prepare it."""
    for name, text in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {text}")
    if not collects_acceptance_tests(config) or config.option.help:
        return
    gc.set_threshold(50_000, 20, 50)  # a run makes many objects and few cycles: a tenth of its time went into looking for them
    worker = getattr(config, "workerinput", None)
    try:
        if worker is not None:
            _configure_worker(config, worker)
        elif config.option.checklist:
            load_checklist(config)
            config.option.numprocesses = None
            config.option.dist = "no"
        elif config.option.collectonly:
            return
        else:
            _configure_main(config)
    except (UsageError, TargetError, ChecklistError) as error:
        raise pytest.UsageError(str(error)) from None


def _configure_main(config: pytest.Config) -> None:
    option = config.option
    if option.runxfail:
        raise UsageError("--runxfail would turn warnings green; it can't be used on a target")
    if getattr(option, "reruns", None):
        raise UsageError("--reruns would hide what fails now and then; it can't be used on a target")
    if option.rehearse:
        option.quick = True  # a rehearsal shows how latency is judged; it has no deployment to be thorough about
    if option.plan:
        option.numprocesses, option.dist, option.tx = None, "no", []
    if option.pending:
        undecided_in(option.pending)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a CI stage that is cancelled ends as by Ctrl-C
    started = start(option, config.rootpath)
    config.stash[_started_key] = started
    try:
        items = load_checklist(config)
        check_limits(started.target, items)
        attestations, waivers = read_people(started.target, items)
        moment = now()
        folder = new_folder(Path(option.record or config.rootpath / "reports").absolute(), started.target, moment)
        config.stash[session_key] = Session(
            checklist=items,
            target=started.target,
            folder=folder,
            run_id=new_run_id(),
            stage=stage_of(started.target, option.stage),
            started=moment,
            distributed=bool(getattr(option, "numprocesses", None) or getattr(option, "tx", None)),
            redact=_redaction(started.target.revealed()),
            attestations=attestations,
            waivers=waivers,
        )
    except BaseException:
        started.stop()
        raise
    config.stash[collection_key] = Collection()
    config.pluginmanager.register(config.stash[collection_key])
    if config.pluginmanager.hasplugin("html") and not option.plan:
        option.htmlpath = str(folder / "record.html")
        option.self_contained_html = True


def _configure_worker(config: pytest.Config, worker: dict[str, Any]) -> None:
    given = worker["preflight"]
    target = joined(given["target"], given["consents"])
    items = load_checklist(config)
    attestations, waivers = read_people(target, items)
    config.stash[session_key] = Session(
        checklist=items,
        target=target,
        folder=Path(given["folder"]),
        run_id=given["run_id"],
        stage=VerdictStage(given["stage"]),
        started=now(),
        worker=worker["workerid"],
        distributed=True,
        redact=_redaction(target.revealed()),
        attestations=attestations,
        waivers=waivers,
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker which run it belongs to."""
    run = node.config.stash.get(session_key, None)
    if run is not None:
        node.workerinput["preflight"] = {
            "folder": str(run.folder),
            "target": str(run.target.path),
            "run_id": run.run_id,
            "stage": str(run.stage),
            "consents": dict(run.target.facts.consent),
        }


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Learn what secrets a worker has come across, before the record is written."""
    run = node.config.stash.get(session_key, None)
    if run is not None:
        run.target.learn(*map(Secret, getattr(node, "workeroutput", {}).get("preflight secrets", ())))


def _redaction(secrets: list[str]) -> Redactor:
    """A redactor that also stands before the log and an uncaptured terminal."""
    redact = Redactor(secrets)
    redact.install_logging()
    know(redact)
    sys.stdout = RedactingStream(sys.stdout, redact)
    sys.stderr = RedactingStream(sys.stderr, redact)
    return redact


def pytest_unconfigure(config: pytest.Config) -> None:
    """Nothing of a rehearsal stays behind."""
    started = config.stash.get(_started_key, None)
    if started is not None:
        started.stop()
    run = config.stash.get(session_key, None)
    if run is not None and config.option.plan:
        shutil.rmtree(run.folder, ignore_errors=True)  # nothing was run
