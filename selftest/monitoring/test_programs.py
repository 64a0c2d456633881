"""Programs are found where they were unpacked, and nowhere else when a folder is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight import programs


def test_named_folder_is_the_only_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFLIGHT_PROGRAMS", str(tmp_path))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    program(elsewhere / "prometheus")
    monkeypatch.setenv("PATH", str(elsewhere))

    assert programs.find("prometheus") is None
    assert programs.missing() == list(programs.PROGRAMS)


def test_unpacked_program_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFLIGHT_PROGRAMS", str(tmp_path))
    place = program(tmp_path / "usr/bin/promtool")

    assert programs.find("promtool") == place


def test_what_may_not_be_executed_is_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFLIGHT_PROGRAMS", str(tmp_path))
    program(tmp_path / "amtool").chmod(0o644)

    assert programs.find("amtool") is None


def test_without_apt_there_is_an_honest_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFLIGHT_PROGRAMS", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(programs.ProgramsError, match="apt-get is not on this machine"):
        programs.install()


def test_unpacked_alertmanager_looks_for_its_templates_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "prometheus-alertmanager"
    before = b"x/usr/share/prometheus/alertmanagery/usr/share/prometheus/alertmanager/ui/z"
    file.write_bytes(before)
    programs._make_movable(file)
    after = file.read_bytes()

    assert len(after) == len(before)
    start = after[1 : 1 + len("/usr/share/prometheus/alertmanager")].decode()
    assert not start.startswith("/")
    assert Path(start) == Path(programs.TEMPLATES_HERE)
    assert after.endswith(b"/usr/share/prometheus/alertmanager/ui/z")


def program(place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("#!/bin/sh\n")
    place.chmod(0o755)
    return place
