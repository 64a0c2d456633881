"""The game's own test results: JUnit files, read by junitparser, whoever wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from preflight.errors import LookError
from preflight.probes.host import Host, read
from preflight.redact import printable
from preflight.target import Target

TOPICS: dict[str, re.Pattern[str]] = {
    "authentication": re.compile(r"auth(?!or\b)|jwt|token|login"),
    "security headers": re.compile(r"header|hsts|\bcsp\b"),
    "rate limiting": re.compile(r"rate_?limit|limiter|throttl|token_?bucket|\b429\b"),
}
_BUILD = re.compile(r"build|version|commit|release", re.IGNORECASE)


@dataclass(frozen=True)
class Case:
    """One test of the game: "passed", "failed" (errors included) or "skipped"."""

    name: str
    result: str


@dataclass(frozen=True)
class Report:
    """One JUnit file. `ran_at` is what the file says, else its own time; `builds` are the builds it names."""

    path: str
    cases: tuple[Case, ...]
    ran_at: datetime
    builds: tuple[str, ...]

    def about(self, word: str) -> bool:
        """Whether the report is the one of a kind of tests, by its file, suite or test names."""
        return word in self.path.rpartition("/")[2].lower() or any(word in case.name for case in self.cases)


def read_reports(host: Host, target: Target) -> list[Report]:
    """Every JUnit file of the report folder. Raises LookError when there is none, or one is no JUnit file."""
    folder = target.facts.paths.test_reports
    facts = host.facts(folder)
    if facts is None:
        raise LookError(f"{folder} is missing: there are no results of the game's own tests")
    paths = [f"{folder.rstrip('/')}/{n}" for n in host.listing(folder) if n.endswith(".xml")] if facts.is_folder else [folder]
    if not paths:
        raise LookError(f"{folder} holds no JUnit file (*.xml)")
    return [_report(host, path) for path in paths]


def _report(host: Host, path: str) -> Report:
    facts = host.facts(path)
    data = read(host, path)
    if b"<!ENTITY" in data:
        raise LookError(f"{path} declares XML entities: such a file is not read")
    modified = datetime.fromtimestamp(facts.modified if facts else 0, UTC)
    return parse(data, path, modified)


def parse(data: bytes, path: str, modified: datetime) -> Report:
    """A JUnit file. Raises LookError when it is none."""
    import xml.etree.ElementTree as ET

    import junitparser

    try:
        root: Any = ET.fromstring(data.removeprefix(b"\xef\xbb\xbf"))  # noqa: S314  # entities are refused before
        suites = list(_suites(junitparser.JUnitXml.fromroot(root)))
    except Exception as error:
        raise LookError(f"{path} is no JUnit file: {printable(str(error), 120)}") from error
    cases: list[Case] = []
    builds: list[str] = []
    times: list[datetime] = []
    for suite in suites:
        times += [at for at in [_time(suite.timestamp)] if at]
        builds += [str(entry.value) for entry in suite.properties() if _BUILD.search(str(entry.name))]
        cases += [_case(suite, case) for case in suite if isinstance(case, junitparser.TestCase)]
    return Report(path, tuple(cases), min(times, default=modified), tuple(dict.fromkeys(builds)))


def _case(suite: Any, case: Any) -> Case:
    return Case(f"{suite.name or ''} {case.classname or ''} {case.name or ''}".strip().lower(), _result(case))


def _suites(root: Any) -> Iterator[Any]:
    import junitparser

    if isinstance(root, junitparser.TestSuite):
        yield root
        for inner in list(root.testsuites()):  # type: ignore[no-untyped-call]
            yield from _suites(inner)
    else:
        for suite in root:
            yield from _suites(suite)


def _result(case: Any) -> str:
    import junitparser

    if any(isinstance(result, junitparser.Failure | junitparser.Error) for result in case.result):
        return "failed"
    return "skipped" if case.is_skipped else "passed"


def _time(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat((text or "").strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def of_kind(reports: list[Report], *words: str) -> list[Case]:
    """The cases of the reports of a kind. Raises LookError when no report is of that kind."""
    found = [case for report in reports if any(report.about(word) for word in words) for case in report.cases]
    if not found:
        raise LookError(f"no report of {' or '.join(words)} tests among {', '.join(report.path for report in reports)}")
    return found


def on(reports: list[Report], topic: str) -> list[Case]:
    """The cases about a topic of TOPICS. Raises LookError when there is none: silence is no success."""
    found = [case for report in reports for case in report.cases if TOPICS[topic].search(case.name)]
    if not found:
        raise LookError(f"no test of {topic} in {', '.join(report.path for report in reports)}")
    return found


def pass_rate(cases: list[Case]) -> float:
    """Passed tests in % of all; a skipped test has not passed. Rounded to two places, as 53 of 57 is (92.98)."""
    return round(100 * sum(case.result == "passed" for case in cases) / len(cases), 2)


def same_build(builds: tuple[str, ...], build: str) -> bool:
    """Whether one of the builds that a report names is the one in question (a leading v is no difference)."""
    return any(named.strip().lower().removeprefix("v") == build.lower().removeprefix("v") for named in builds)


def age_in_days(report: Report, moment: datetime) -> float:
    """How many days before a moment the tests ran."""
    return max(0.0, (moment - report.ran_at).total_seconds() / 86400)


def names(cases: list[Case], result: str) -> str:
    """The first names of the tests with a result, for people."""
    found = [printable(case.name.rpartition(" ")[2], 60) for case in cases if case.result == result]
    return ", ".join(found[:4]) + (" …" if len(found) > 4 else "")
