"""pytest: each test is judged, put into pytest's words and written down; at the end the record and its verdict."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from preflight import terminal
from preflight.collecting import alone_key, collection_key, collects_acceptance_tests, item_key, tests_of
from preflight.evidence import Evidence
from preflight.fixtures import evidence_key, session_key
from preflight.judge import Judged, judge
from preflight.manners import admit
from preflight.people import in_force
from preflight.reports import WORDS, speak, together
from preflight.run import TestOutcome
from preflight.session import Session, now

if TYPE_CHECKING:
    from preflight.finish import Said

_looks_key = pytest.StashKey[list[Judged]]()
_seconds_key: pytest.StashKey[list[float]] = pytest.StashKey()
_said_key: pytest.StashKey[Said] = pytest.StashKey()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Prepare the place for what a test sees."""
    run = item.config.stash.get(session_key, None)
    if run is not None and item_key in item.stash:
        evidence = item.stash[evidence_key] = Evidence(item.stash[item_key], run.target.facts.limits)
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
        admit(item.stash[item_key], run.target, run.stages, distributed=run.distributed)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Judge the phase, put it into pytest's words, and take secrets out before any reporter sees the report."""
    report = yield
    run = item.config.stash.get(session_key, None)
    if run is None or evidence_key not in item.stash:
        return report
    entry, evidence = item.stash[item_key], item.stash[evidence_key]
    waiver = next((w for w in run.waivers if w.item == entry.id and in_force(w, now())), None)
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, KeyboardInterrupt | pytest.exit.Exception):
        return report
    alone = item.stash[alone_key]
    judged = judge(error, call.when, evidence, item.name, waiver, alone=alone, tests=tests_of(item.config))
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
    if config.option.checklist and collects_acceptance_tests(config) and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK
    if run is not None and run.worker == "main":
        if config.option.plan:
            if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
                session.exitstatus = pytest.ExitCode.OK
        else:
            stopped = exitstatus == pytest.ExitCode.INTERRUPTED or bool(getattr(session, "shouldstop", False))
            interrupted = stopped or config.stash[collection_key].broken
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
