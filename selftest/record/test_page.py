"""The page of a record: whole, small, linked, and readable by everybody."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.outcome import Reason, Status
from preflight.people import Attestation
from preflight.record import html, since
from preflight.record.detection import Detection
from preflight.record.tree import Record
from preflight.record.words import WordUse
from preflight.redact import Redactor
from selftest.record.conftest import AT, EVERY, entry, looked

_BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def big(record: Callable[..., Record]) -> Record:
    """500 items and more, some of each status, with samples as a run keeps them."""
    every = EVERY.item
    every += tuple(one.model_copy(update={"id": f"{one.id}-AGAIN"}) for one in every[: max(0, 500 - len(every))])
    wheel = list(Status)
    points = [[1.7e9 + 60 * i, 600.0 + i % 9] for i in range(160)]
    samples = {"GET /health": [5.0 + i % 7 for i in range(500)], "memory over time": {"unit": "MB", "points": points}}
    items = [
        looked(
            one,
            wheel[number % 7],
            code=str(Reason.PERSON) if wheel[number % 7] is Status.PENDING else "",
            facts={"a fact": "x" * 200},
            reproduce=("curl -i https://x.example/health",),
            samples=samples if one.limits else {},
        )
        for number, one in enumerate(every)
    ]
    word = Attestation(item=items[0].id, outcome="yes", who="A tester", role="QA tester", when=AT, build="1.0")
    older = [item.model_copy(update={"status": Status.PASS}) for item in items]
    before = since.Since(
        run_id="run-0", build="0.9", finished=AT, verdict="GO", score=99.0, both=len(items), changes=since.changes(older, items)
    )
    found = Detection(faults=9, exact=9, share_exact_at_least=0.7, inexact=0, missed=0, evaded=0, look_alikes_and_clean_runs=3, false_alarms=0)  # fmt: skip
    return record(items, attestations=[WordUse(word=word, counts=True, why_not="")], since=before, detection=found)


def test_a_record_of_500_items_is_small_and_whole(big: Record) -> None:
    page = html.page(big, Redactor())
    assert len(big.items) >= 500
    assert len(page.encode()) < 3_000_000
    ids = Counter(re.findall(r'\bid="([^"]+)"', page))
    assert [name for name, n in ids.items() if n > 1] == []
    assert set(re.findall(r'href="#([^"]+)"', page)) <= ids.keys()
    assert {item.id for item in big.items} <= ids.keys()
    for words in (
        "It is no verdict",
        "What to do next",
        "What changed since the last record",
        "Signature, date",
        "9 were found exactly",
    ):
        assert words in page


def test_what_blocks_comes_before_what_waits_and_each_by_its_points(record: Callable[..., Record]) -> None:
    items = [
        looked(entry("A-01", severity="warning"), Status.PENDING, code=str(Reason.PERSON)),
        looked(entry("A-02", severity="mandatory", remedy="Mend the second, then run again."), Status.FAIL),
        looked(entry("A-03", severity="red_flag", remedy="Mend the third, then run again."), Status.FAIL),
        looked(entry("A-04"), Status.PASS),
    ]
    steps = html._steps(items)
    assert [[i.id for i in step.items] for step in steps] == [["A-03"], ["A-02"], ["A-01"]]
    assert sum(step.gain for step in steps) == pytest.approx(100 - record(items).score.value, abs=0.1)


def test_a_copy_without_a_detection_figure_says_so(record: Callable[..., Record]) -> None:
    page = html.page(record([looked(EVERY.item[0])]), Redactor())
    assert "holds no detection figure" in page
    assert "no older record of this target" in page


@pytest.fixture(scope="module")
def browser():  # type: ignore[no-untyped-def]
    """Chromium, driven. Skipped where it or its driver is missing."""
    sync_api = pytest.importorskip("playwright.sync_api", reason=f"{Reason.PROGRAM}: pip install playwright")
    if _BROWSER is None:
        pytest.skip(f"{Reason.PROGRAM}: Chromium (apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=_BROWSER, args=["--no-sandbox", "--disable-gpu", "--disable-quic"])
        yield started
        started.close()


@pytest.mark.parametrize("scope", ["a page of its own", "inside another page"])
def test_no_accessibility_rule_is_broken(big: Record, browser, tmp_path: Path, scope: str) -> None:  # type: ignore[no-untyped-def]
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason=f"{Reason.PROGRAM}: pip install axe-playwright-python"
    )
    few = {status: [i for i in big.items if i.status is status][:2] for status in Status}
    small = big.model_copy(update={"items": [i for i in big.items if i in few[i.status] or i.stage == "signoff"]})
    inner = html.section(small, Redactor())
    page = (
        html.page(small, Redactor())
        if scope == "a page of its own"
        else f"<html lang=en><title>x</title><body><p>outer</p>{inner}"
    )
    (tmp_path / "record.html").write_text(page, "utf-8")
    tab = browser.new_page()
    tab.goto((tmp_path / "record.html").as_uri())
    tab.evaluate("for (const item of document.querySelectorAll('.item')) item.open = true")
    context = None if scope == "a page of its own" else ".preflight"
    found = axe.Axe().run(tab, context=context).response["violations"]
    assert [(rule["id"], [node["html"][:120] for node in rule["nodes"][:2]]) for rule in found] == []


def test_filter_deep_link_and_keyboard(big: Record, browser, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "record.html").write_text(html.page(big, Redactor()), "utf-8")
    passed = next(i for i in big.items if i.status is Status.PASS)
    tab = browser.new_page()
    tab.goto((tmp_path / "record.html").as_uri() + f"#{passed.id}")
    assert tab.locator(f"#{passed.id}").get_attribute("open") is not None
    form, shown = tab.locator(".filter"), tab.locator(".item:not([hidden])")
    for box in form.locator("[name=status]").all():
        if box.input_value() != "fail":
            box.focus()
            tab.keyboard.press("Space")
    assert shown.count() == sum(i.status is Status.FAIL for i in big.items)
    form.locator("select").select_option("vr")
    assert shown.count() == sum(i.status is Status.FAIL and i.section == "vr" for i in big.items)
    assert form.locator("output").inner_text() == f"{shown.count()} of {len(big.items)} items"
    other = next(i for i in big.items if i.status is Status.PASS and i.section == "health")
    tab.goto((tmp_path / "record.html").as_uri() + f"#{other.id}")
    assert tab.locator(f"#{other.id}").is_visible(), "a link shows its item whatever the filter hides"
