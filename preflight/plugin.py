"""pytest: options, markers, hooks. With `options` and `reports` the only one that knows pytest's own objects.

A run is an acceptance run when it collects from `tests/`; everything else (the suite's own tests) is left alone.
"""

from __future__ import annotations

import contextlib
import gc
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from preflight import checklist, terminal
from preflight.checklist import Checklist, ChecklistError, Item
from preflight.errors import UsageError
from preflight.evidence import Evidence
from preflight.fixtures import evidence_key, session_key
from preflight.judge import Judged, judge
from preflight.manners import admit, plan, plan_text
from preflight.options import MARKERS, add_options
from preflight.outcome import REQUIRED, Reason, Status, VerdictStage
from preflight.people import in_force
from preflight.redact import RedactingStream, Redactor, Secret, know
from preflight.reports import WORDS, speak, together
from preflight.run import TestOutcome
from preflight.session import Session, check_limits, new_folder, new_run_id, now, read_journals, read_people, stage_of
from preflight.start import Started, joined, start
from preflight.target import TargetError
from preflight.waiting import Waiting, terminal_at_hand

if TYPE_CHECKING:
    from preflight.finish import Said

_looks_key = pytest.StashKey[list[Judged]]()
_started_key = pytest.StashKey[Started]()
_item_key: pytest.StashKey[Item] = pytest.StashKey()
_alone_key = pytest.StashKey[bool]()
"""Whether no other test of this run answers the same item."""
_seconds_key: pytest.StashKey[list[float]] = pytest.StashKey()
_said_key: pytest.StashKey[Said] = pytest.StashKey()
_left_out_key = pytest.StashKey[dict[str, str]]()
"""Tests that a selection left out: node id → item."""
_collection_key: pytest.StashKey[_Collection] = pytest.StashKey()
_planned_key = pytest.StashKey[bool]()
_items_key = pytest.StashKey[dict[str, Item]]()


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
    if not _collects_acceptance_tests(config) or config.option.help:
        return
    gc.set_threshold(50_000, 20, 50)  # a run makes many objects and few cycles: a tenth of its time went into looking for them
    worker = getattr(config, "workerinput", None)
    try:
        if worker is not None:
            _configure_worker(config, worker)
        elif config.option.checklist:
            _load_checklist(config)
            config.option.numprocesses = None
            config.option.dist = "no"
        elif config.option.collectonly:
            return
        else:
            _configure_main(config)
    except (UsageError, TargetError, ChecklistError) as error:
        raise pytest.UsageError(str(error)) from None


def _collects_acceptance_tests(config: pytest.Config) -> bool:
    here, tests = config.invocation_params.dir, _tests(config)
    for argument in config.args:
        path = (here / argument.split("::", 1)[0]).resolve()
        if path == tests or tests in path.parents or path == config.rootpath:
            return True
    return False


def _tests(config: pytest.Config) -> Path:
    return config.rootpath / "tests"


def _load_checklist(config: pytest.Config) -> Checklist:
    return checklist.load(config.rootpath / "checklist.toml")


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
        _undecided_in(option.pending)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a CI stage that is cancelled ends as by Ctrl-C
    started = start(option, config.rootpath)
    config.stash[_started_key] = started
    try:
        items = _load_checklist(config)
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
    config.stash[_collection_key] = _Collection()
    config.pluginmanager.register(config.stash[_collection_key])
    if config.pluginmanager.hasplugin("html") and not option.plan:
        option.htmlpath = str(folder / "record.html")
        option.self_contained_html = True


def _configure_worker(config: pytest.Config, worker: dict[str, Any]) -> None:
    given = worker["preflight"]
    target = joined(given["target"], given["consents"])
    items = _load_checklist(config)
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


def _repeatable_examples() -> None:
    """Let hypothesis send the same examples in every run, and keeps none of them."""
    from hypothesis import settings

    settings.register_profile("acceptance", derandomize=True, database=None, deadline=None, max_examples=60)
    settings.load_profile("acceptance")


def _redaction(secrets: list[str]) -> Redactor:
    """A redactor that also stands before the log and an uncaptured terminal."""
    _repeatable_examples()
    redact = Redactor(secrets)
    redact.install_logging()
    know(redact)
    sys.stdout = RedactingStream(sys.stdout, redact)
    sys.stderr = RedactingStream(sys.stderr, redact)
    return redact


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test with its section, severity, stage and manners, so that -m selects by them."""
    marker = item.get_closest_marker("item")
    if _tests(item.config) not in item.path.parents or marker is None or not marker.args:
        return
    entry = _checklist_of(item.config).get(marker.args[0])
    if entry is None:
        return
    item.stash[_item_key] = entry
    names = [entry.section, entry.severity.value, entry.stage.value]
    names += ["postdeploy"] if entry.stage in REQUIRED[VerdictStage.POSTDEPLOY] else []
    names += [name for name in ("intrusive", "manual", "measuring") if getattr(entry, name)]
    for name in names:
        item.add_marker(getattr(pytest.mark, name))


def _checklist_of(config: pytest.Config) -> dict[str, Item]:
    run = config.stash.get(session_key, None)
    if run is not None:
        return run.items
    if _items_key not in config.stash:
        try:
            config.stash[_items_key] = _load_checklist(config).by_id
        except ChecklistError as error:
            raise pytest.UsageError(str(error)) from None
    return config.stash[_items_key]


class _Collection:
    """Whether a file of tests could not be collected, here or by a worker: what it would have judged is unknown."""

    broken = False

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.broken = self.broken or report.failed


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """An item that is selected in part only is not decided."""
    for test in items:
        if _item_key in test.stash:
            test.config.stash.setdefault(_left_out_key, {})[test.nodeid] = test.stash[_item_key].id


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Every item has a test and every test an item; what changes or measures comes last."""
    if not _collects_acceptance_tests(config):
        return
    ours = [test for test in items if _tests(config) in test.path.parents]
    problem = _incomplete(config, ours)
    if problem:
        _usage(config, problem)
        items.clear()
        return
    undecided = _undecided_in(config.option.pending) if config.option.pending else None
    if undecided is not None:
        items[:] = [test for test in items if _item_key not in test.stash or test.stash[_item_key].id in undecided]
    items.sort(key=_rank)


_LATER = {"prometheus", "alerts", "listener", "stream"}
"""Fixtures whose subject takes its time: servers started with the run, telemetry that is listened to for a while."""
_LAST = "delivered"
"""The fixture that waits for what an intrusive test before has begun."""


def _rank(test: pytest.Item) -> int:
    """What changes the target comes last, before it what measures, and before that what would have to be waited for."""
    entry = test.stash.get(_item_key, None)
    if entry is None:
        return 0
    fixtures = getattr(test, "fixturenames", ())
    if entry.intrusive:
        return 4 if _LAST in fixtures else 3
    return 2 if entry.measuring else int(not _LATER.isdisjoint(fixtures))


def _incomplete(config: pytest.Config, tests: list[pytest.Item]) -> str:
    for test in tests:
        if _item_key not in test.stash:
            marker = test.get_closest_marker("item")
            named = f"the unknown item {marker.args[0]}" if marker and marker.args else "no item"
            return f"{test.nodeid} names {named}; give it @item with an id of checklist.toml"
    whole = all((config.invocation_params.dir / a).resolve() in (_tests(config), config.rootpath) for a in config.args)
    if whole:
        tested = {test.stash[_item_key].id for test in tests}
        without = [name for name in _checklist_of(config) if name not in tested]
        if without:
            return f"no test answers {', '.join(without[:5])}{' …' if len(without) > 5 else ''}"
    return ""


def _usage(config: pytest.Config, problem: str) -> None:
    """A usage error; a worker can't raise one (it would be an internal error), so it leaves it in its journal."""
    run = config.stash.get(session_key, None)
    if run is not None and run.worker != "main":
        run.journal.write(usage=problem)
        return
    raise pytest.UsageError(problem)


def _undecided_in(record: str) -> set[str]:
    from preflight.record.read import ReadError, undecided

    try:
        return undecided(Path(record))
    except ReadError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Write down what is planned; show the checklist or the plan when that is all that was asked for."""
    config = session.config
    if not _collects_acceptance_tests(config) or config.option.collectonly:
        return
    tests = [test for test in session.items if _item_key in test.stash]
    answering = Counter(test.stash[_item_key].id for test in tests)
    for test in tests:
        test.stash[_alone_key] = answering[test.stash[_item_key].id] == 1
    planned = {test.nodeid: test.stash[_item_key] for test in tests}
    if config.option.checklist:
        terminal.checklist(_load_checklist(config), planned)
        session.items.clear()
        return
    run = config.stash.get(session_key, None)
    if run is None:
        return
    if run.worker == "main":
        _show_plan(run, planned)
    if config.option.plan:
        session.items.clear()
        return
    if run.worker == "main" and not run.distributed and config.get_terminal_writer().hasmarkup:
        run.waiting = Waiting(terminal_at_hand())
    whole = {entry.id for entry in planned.values()}
    left_out = {node: name for node, name in config.stash.get(_left_out_key, {}).items() if name in whole}
    run.journal.write(planned={node: entry.id for node, entry in planned.items()} | left_out)
    for node, name in left_out.items():
        skipped = TestOutcome(
            node=node, item=name, status=Status.PENDING, code=Reason.PART, reason=f"{name} was selected in part: run all of it"
        )
        run.journal.write(outcome=skipped.model_dump(mode="json"))


def _show_plan(run: Session, planned: Mapping[str, Item]) -> None:
    waits = run.distributed  # what measures or changes the target never runs beside others, so it sends nothing now
    chosen = list(
        {e.id: e for e in planned.values() if e.stage in run.stages and not (waits and (e.measuring or e.intrusive))}.values()
    )
    terminal.show(plan_text(plan(chosen, run.target, run.user_agent), run.target))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any) -> None:
    """The plan is shown before anything is sent with workers too: the first of them to have collected has written it."""
    run = node.config.stash.get(session_key, None)
    if run is not None and not node.config.stash.get(_planned_key, False):
        node.config.stash[_planned_key] = True
        planned = read_journals(run.folder).planned
        _show_plan(run, {name: run.items[item_id] for name, item_id in planned.items()})


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Prepare the place for what a test sees."""
    run = item.config.stash.get(session_key, None)
    if run is not None and _item_key in item.stash:
        evidence = item.stash[evidence_key] = Evidence(item.stash[_item_key], run.target.facts.limits)
        item.stash[_looks_key] = []
        item.stash[_seconds_key] = []
        run.journal.write(started=item.nodeid)
        with run.waiting.on(f"{evidence.item.id} {evidence.item.title}"):
            return (yield)
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Look only where the target offers the part and the operator agreed."""
    run = item.config.stash.get(session_key, None)
    if run is not None and evidence_key in item.stash:
        admit(item.stash[_item_key], run.target, run.stages, distributed=run.distributed)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Judge the phase, put it into pytest's words, and take secrets out before any reporter sees the report."""
    report = yield
    run = item.config.stash.get(session_key, None)
    if run is None or evidence_key not in item.stash:
        return report
    entry, evidence = item.stash[_item_key], item.stash[evidence_key]
    waiver = next((w for w in run.waivers if w.item == entry.id and in_force(w, now())), None)
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, KeyboardInterrupt | pytest.exit.Exception):
        return report
    alone = item.stash[_alone_key]
    judged = judge(error, call.when, evidence, item.name, waiver, alone=alone, tests=_tests(item.config))
    item.stash[_looks_key].append(judged)
    item.stash[_seconds_key].append(report.duration)
    speak(report, judged, entry, evidence, run)
    if call.when == "teardown":
        _journal(item, run)
    return report


def _journal(item: pytest.Item, run: Session) -> None:
    looks, evidence = item.stash[_looks_key], item.stash[evidence_key]
    seconds: list[float] = item.stash[_seconds_key]
    status = together([look.status for look in looks])
    decisive = [look for look in looks if look.status is status]
    outcome = TestOutcome(
        node=item.nodeid,
        item=evidence.item.id,
        status=status,
        code="; ".join(dict.fromkeys(look.code for look in decisive if look.code)),
        reason="; ".join(dict.fromkeys(look.reason for look in decisive if look.reason)),
        judgements=tuple(evidence.judgements),
        counts=dict(evidence.counts),
        facts=evidence.facts,
        reproduce=tuple(evidence.reproduce),
        samples=evidence.samples,
        seconds=round(sum(seconds), 3),
        at=now().isoformat(timespec="seconds"),
    )
    sent, run.api.sent = run.api.sent, type(run.api.sent)()
    run.journal.write(outcome=outcome.model_dump(mode="json"), sent=sent, addresses=sorted(run.api.addresses))


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: Any) -> tuple[str, str, str] | None:
    """Our own words on the terminal."""
    return WORDS.get(getattr(report, "preflight", ""))


@pytest.hookimpl(optionalhook=True)
def pytest_html_report_title(report: Any) -> None:
    """What pytest-html draws stands behind the record, as its annex."""
    report.title = "Annex: the tests as pytest ran them"


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_summary(prefix: list[str], session: pytest.Session) -> None:
    """The record stands before pytest-html's own table, which is its annex."""
    said = session.config.stash.get(_said_key, None)
    if said is not None:
        prefix.append(said.html)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None, Any, Any]:
    """Make the record before any reporter writes, and say the verdict after all of them."""
    from preflight.finish import finish

    config = session.config
    run = config.stash.get(session_key, None)
    said = None
    if config.option.checklist and _collects_acceptance_tests(config) and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK
    if run is not None and run.worker == "main":
        if config.option.plan:
            if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
                session.exitstatus = pytest.ExitCode.OK
        else:
            stopped = exitstatus == pytest.ExitCode.INTERRUPTED or bool(getattr(session, "shouldstop", False))
            interrupted = stopped or config.stash[_collection_key].broken
            said = finish(run, int(exitstatus), interrupted=interrupted, command=_command(config))
            config.stash[_said_key] = said
            session.exitstatus = said.exit_status
    elif run is not None:
        run.journal.close()
        told: dict[str, Any] = config.workeroutput  # type: ignore[attr-defined]
        told["preflight secrets"] = [secret.reveal() for secret in run.target.known_secrets()]  # by a pipe to the parent
    try:
        return (yield)
    except OSError as error:
        # pytest-html writes its page in one go at the very end: on a full disk it leaves half of one
        if said is None or run is None:
            raise
        with contextlib.suppress(OSError):
            (run.folder / "record.html").unlink(missing_ok=True)
        terminal.show(f"record.html could not be written ({error.strerror})")
        session.exitstatus = said.exit_status or 7
        return None
    finally:
        if said is not None:
            _seal(run)
            terminal.show(said.text)


def _seal(run: Session | None) -> None:
    """Hash what the run wrote, when every writer is done; a full disk has been told of already."""
    from preflight.record import seal

    if run is not None and (run.folder / "record.json").exists():
        run.journal.close()
        with contextlib.suppress(OSError):
            seal.seal(run.folder)


def _command(config: pytest.Config) -> list[str]:
    return ["pytest", *map(str, config.invocation_params.args)]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Nothing of a rehearsal stays behind."""
    started = config.stash.get(_started_key, None)
    if started is not None:
        started.stop()
    run = config.stash.get(session_key, None)
    if run is not None and config.option.plan:
        shutil.rmtree(run.folder, ignore_errors=True)  # nothing was run
