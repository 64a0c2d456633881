"""pytest: which tests a run has, for which items, in which order, and the plan of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from preflight import checklist, terminal
from preflight.checklist import Checklist, ChecklistError, Item
from preflight.fixtures import session_key
from preflight.manners import plan, plan_text
from preflight.outcome import REQUIRED, Reason, Status, VerdictStage
from preflight.run import TestOutcome
from preflight.session import Session, read_journals
from preflight.waiting import Waiting, terminal_at_hand

item_key: pytest.StashKey[Item] = pytest.StashKey()
"""The item that a test answers."""
alone_key = pytest.StashKey[bool]()
"""Whether no other test of this run answers the same item."""
collection_key: pytest.StashKey[Collection] = pytest.StashKey()
_left_out_key = pytest.StashKey[dict[str, str]]()
"""Tests that a selection left out: node id → item."""
_named_key = pytest.StashKey[dict[Path, list[str]]]()
"""Files of which single tests were named on the command line, and these names."""
_planned_key = pytest.StashKey[bool]()
_items_key = pytest.StashKey[dict[str, Item]]()


def collects_acceptance_tests(config: pytest.Config) -> bool:
    """Whether a run collects from `tests/`: everything else is no acceptance run."""
    here, tests = config.invocation_params.dir, tests_of(config)
    for argument in config.args:
        path = (here / argument.split("::", 1)[0]).resolve()
        if path == tests or tests in path.parents or path == config.rootpath:
            return True
    return False


def tests_of(config: pytest.Config) -> Path:
    """The folder of the acceptance tests."""
    return config.rootpath / "tests"


def load_checklist(config: pytest.Config) -> Checklist:
    """The checklist of this project. Raises ChecklistError."""
    return checklist.load(config.rootpath / "checklist.toml")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test with its section, severity, stage and manners, so that -m selects by them."""
    marker = item.get_closest_marker("item")
    if tests_of(item.config) not in item.path.parents or marker is None or not marker.args:
        return
    entry = _checklist_of(item.config).get(marker.args[0])
    if entry is None:
        return
    item.stash[item_key] = entry
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
            config.stash[_items_key] = load_checklist(config).by_id
        except ChecklistError as error:
            raise pytest.UsageError(str(error)) from None
    return config.stash[_items_key]


class Collection:
    """Whether a file of tests could not be collected, here or by a worker: what it would have judged is unknown."""

    broken = False

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """See pytest."""
        self.broken = self.broken or report.failed


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """An item that is selected in part only is not decided."""
    for test in items:
        if item_key in test.stash:
            test.config.stash.setdefault(_left_out_key, {})[test.nodeid] = test.stash[item_key].id


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Collect a file whole where one of its tests is named: an item of which others were left out is not decided."""
    config = session.config
    if not collects_acceptance_tests(config):
        return
    arguments, whole = [], []
    named = config.stash.setdefault(_named_key, {})
    for argument in map(str, config.args):
        file, _, name = argument.partition("::")
        place = (config.invocation_params.dir / file).resolve()
        if name and tests_of(config) in place.parents:
            named.setdefault(place, []).append(name)
            arguments.append(file)
        else:
            whole.append(place)
            arguments.append(argument)
    for place in [place for place in named if any(one in (place, *place.parents) for one in whole)]:
        del named[place]
    config.args[:] = list(dict.fromkeys(arguments))


def _leave_out(config: pytest.Config, items: list[pytest.Item]) -> str:
    """Deselect the tests of files of which others were named. Says which named one is not there, "" for none."""
    named = config.stash.get(_named_key, {})
    found: set[tuple[Path, str]] = set()
    chosen: list[pytest.Item] = []
    rest: list[pytest.Item] = []
    for test in items:
        place, own = test.path.resolve(), test.nodeid.partition("::")[2]
        fitting = [name for name in named.get(place, ()) if own == name or own.startswith((f"{name}[", f"{name}::"))]
        found.update((place, name) for name in fitting)
        (chosen if fitting or place not in named else rest).append(test)
    if rest:
        items[:] = chosen
        config.hook.pytest_deselected(items=rest)
    lost = [f"{place}::{name}" for place, names in named.items() for name in names if (place, name) not in found]
    return f"not found: {lost[0]}" if lost else ""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Every item has a test and every test an item; what changes or measures comes last."""
    if not collects_acceptance_tests(config):
        return
    ours = [test for test in items if tests_of(config) in test.path.parents]
    problem = _incomplete(config, ours)
    if problem:
        _usage(config, problem)
        items.clear()
        return
    if lost := _leave_out(config, items):
        _usage(config, lost)
        items.clear()
        return
    undecided = undecided_in(config.option.pending) if config.option.pending else None
    if undecided is not None:
        items[:] = [test for test in items if item_key not in test.stash or test.stash[item_key].id in undecided]
    items.sort(key=_rank)


_LATER = {"prometheus", "alerts", "listener", "stream"}
"""Fixtures whose subject takes its time: servers started with the run, telemetry that is listened to for a while."""
_LAST = "delivered"
"""The fixture that waits for what an intrusive test before has begun."""


def _rank(test: pytest.Item) -> int:
    """What changes the target comes last, before it what measures, and before that what would have to be waited for."""
    entry = test.stash.get(item_key, None)
    if entry is None:
        return 0
    fixtures = getattr(test, "fixturenames", ())
    if entry.intrusive:
        return 4 if _LAST in fixtures else 3
    return 2 if entry.measuring else int(not _LATER.isdisjoint(fixtures))


def _incomplete(config: pytest.Config, tests: list[pytest.Item]) -> str:
    for test in tests:
        if item_key not in test.stash:
            marker = test.get_closest_marker("item")
            named = f"the unknown item {marker.args[0]}" if marker and marker.args else "no item"
            return f"{test.nodeid} names {named}; give it @item with an id of checklist.toml"
    whole = all((config.invocation_params.dir / a).resolve() in (tests_of(config), config.rootpath) for a in config.args)
    if whole:
        tested = {test.stash[item_key].id for test in tests}
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


def undecided_in(record: str) -> set[str]:
    """The items that the record left undecided, for `--pending`. Raises pytest.UsageError."""
    from preflight.record.read import ReadError, undecided

    try:
        return undecided(Path(record))
    except ReadError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Write down what is planned; show the checklist or the plan when that is all that was asked for."""
    config = session.config
    if not collects_acceptance_tests(config) or config.option.collectonly:
        return
    tests = [test for test in session.items if item_key in test.stash]
    answering = Counter(test.stash[item_key].id for test in tests)
    for test in tests:
        test.stash[alone_key] = answering[test.stash[item_key].id] == 1
    planned = {test.nodeid: test.stash[item_key] for test in tests}
    if config.option.checklist:
        terminal.checklist(load_checklist(config), planned)
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
