"""Documents, placeholders, project settings: read as people and Godot write them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from preflight.errors import LookError
from preflight.probes import documents, placeholders, project
from preflight.target import Target, load
from selftest.probes.hosts import Files


@pytest.fixture
def target(tmp_path: Path) -> Target:
    path = tmp_path / "target.toml"
    path.write_text('name = "t"\nbuild = "2.5.0"\n[api]\nurl = "http://127.0.0.1:1"\n[host]\nkind = "local"\n')
    return load(path)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("## 2.5.0 - 2026-01-02", True),
        ("## [v2.5.0]", True),
        ("Version 2.5.0.", True),
        ("2.5.0\r\n", True),
        ("## 2.5.01", False),
        ("## 12.5.0", False),
        ("## 2.5.0-rc1", False),
        ("## 2.5.0.1", False),
        ("", False),
    ],
)
def test_a_build_is_named_as_a_word_of_its_own(text: str, named: bool) -> None:
    assert documents.names_build(text, "2.5.0") is named
    assert documents.names_build(text, "v2.5.0") is named


def test_a_day_since_the_deployment_is_found() -> None:
    moment = datetime(2026, 1, 2, 23, 0, tzinfo=UTC)

    assert documents.after("Updated 2026-01-02", moment)
    assert not documents.after("Updated 2026-01-01, next time on Monday", moment)


GOOD = "\n".join(f"- **{name}:** somebody, +1 555 0100" for name in documents.CONTACTS)
TABLE = "\n".join(f"| {name} | somebody, <a@b.example> |" for name in documents.CONTACTS)
LINK = "\n".join(f"**{name}:** [channel](https://chat.example/x)" for name in documents.CONTACTS)
LOOSE = "\n".join(f"* {name.replace('-', ' ').upper()} - somebody" for name in documents.CONTACTS)


@pytest.mark.parametrize("text", [GOOD, TABLE, LINK, LOOSE, GOOD.replace("\n", "\r\n")])
def test_contacts_are_read_however_they_are_set(text: str, target: Target) -> None:
    found = documents.contacts(Files({"/opt/godot/CONTACTS.md": text}), target)

    assert set(found) == set(documents.CONTACTS)
    assert all(found.values())


@pytest.mark.parametrize("value", ["[Name, Phone, Email]", "", "TBD", "[Support Contact]"])
def test_a_placeholder_is_no_contact(value: str, target: Target) -> None:
    text = GOOD.replace("**War Room:** somebody, +1 555 0100", f"**War Room:** {value}")

    assert documents.contacts(Files({"/opt/godot/RUNBOOK.md": text}), target)["War Room"] == ""


def test_without_any_document_nothing_is_said(target: Target) -> None:
    with pytest.raises(LookError, match="no contact"):
        documents.contacts(Files({}), target)


@pytest.mark.parametrize(
    "line",
    [
        "JWT_SECRET_KEY=<GENERATE_NEW_256_BIT_SECRET>",
        "JWT_SECRET_KEY='<GENERATE_NEW_256_BIT_SECRET>'  # MUST be unique",
        "    smtp_auth_password: '<SECURE_PASSWORD>'",
        "ufw allow from <monitoring_server_ip> to any port 8081",
        "password = changeme",
        "KEY=your-api-key-here",
        "TOKEN=REPLACE_ME",
    ],
)
def test_placeholders_are_found(line: str) -> None:
    assert [number for number, _ in placeholders.in_text(f"a = 1\n{line}\n")] == [2]


@pytest.mark.parametrize(
    "line",
    [
        "# password: <SECURE_PASSWORD>",
        "; set <YOUR_NAME> here",
        "A=1  # was <OLD_VALUE>",
        r"location ~ ^/(?<name>[a-z]+)/ {",
        "expr: rate(x[5m]) < 5 and y > 3",
        "if a <b_c and d> e:",
        "subject: '{{ .GroupLabels.alertname }}'",
        "var x: Array[String] = []",
        "contact: Someone <someone@example.com>",
        "a <= b",
    ],
)
def test_what_only_looks_like_a_placeholder_is_none(line: str) -> None:
    assert list(placeholders.in_text(line)) == []


PROJECT = (
    '; comment\nconfig_version=5\n\n[rendering]\n\nrenderer/rendering_method="forward_plus"\nanti_aliasing/quality/msaa_3d=1\n'
)


@pytest.mark.parametrize(
    ("files", "msaa"),
    [
        ({"project.godot": PROJECT}, "1"),
        ({"project.godot": PROJECT.replace("\n", "\r\n")}, "1"),
        ({"project.godot": PROJECT.replace("anti_aliasing/quality/msaa_3d=1", "; anti_aliasing/quality/msaa_3d=1")}, "0"),
        ({"project.godot": PROJECT.replace("[rendering]", "[other]")}, "0"),
        ({"project.godot": PROJECT, "override.cfg": "[rendering]\nanti_aliasing/quality/msaa_3d=2\n"}, "2"),
        ({"project.godot": PROJECT + "anti_aliasing/quality/msaa_3d.mobile=0\n"}, "1"),
        ({"project.godot": PROJECT + '\n[input]\n\nfire={\n"deadzone": 0.5,\n"events": []\n}\n'}, "1"),
    ],
)
def test_project_settings_are_those_in_force(files: dict[str, str], msaa: str) -> None:
    host = Files({f"/opt/godot/{name}": text for name, text in files.items()})

    assert project.setting(host, "/opt/godot", project.MSAA_3D) == msaa
    assert project.setting(host, "/opt/godot", project.RENDERING_METHOD) == "forward_plus"
