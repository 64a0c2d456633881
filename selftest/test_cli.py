"""The `preflight` command: what it writes and says, and the user's mistakes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.cli import main
from selftest.conftest import SECRET


def preflight(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "preflight.cli", *arguments], cwd=cwd, capture_output=True, text=True, timeout=60
    )


def test_init_writes_a_target_that_must_be_filled_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "target.toml"
    assert main(["init", str(file)]) == 0
    assert main(["init", str(file)]) == 4
    assert "is there already" in capsys.readouterr().err
    assert main(["doctor", "--target", str(file)]) == 4
    assert "placeholder" in capsys.readouterr().err


def test_every_line_of_the_example_target_can_be_switched_on(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands commented out in the example is right: uncommented, it loads."""
    import re

    from preflight.target import load

    text = (root / "preflight" / "data" / "target.example.toml").read_text()
    text = re.sub(r"<([^>\n]*)>", r"\1", text)
    text = re.sub(r'^# (?=[\["\w][^#\n]*(?:=|\]))', "", text, flags=re.MULTILINE)
    text = re.sub(r"^(?:ca_file|expired_token|jwt_secret) = .*\n", "", text, flags=re.MULTILINE)
    for name in ("GODOT_API_TOKEN", "GODOT_OLD_TOKEN"):
        monkeypatch.setenv(name, SECRET)
    file = tmp_path / "target.toml"
    file.write_text(text)
    assert load(file).facts.host is not None


def test_doctor_asks_each_service_once(
    tmp_path: Path, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch, capsys
) -> None:  # type: ignore[no-untyped-def]
    good = serve({"/scene": (200, {}, b"{}"), "/health": (200, {}, b"{}")})
    monkeypatch.setenv("TOKEN", SECRET)
    file = tmp_path / "target.toml"
    file.write_text(
        f'name = "x"\nbuild = "1"\n[api]\nurl = "{good}"\n[prometheus]\nurl = "http://127.0.0.1:1"\n[secrets]\ntoken = "env:TOKEN"\n'
    )
    assert main(["doctor", "--target", str(file)]) == 1
    said = capsys.readouterr().out
    assert "ok   token" in said
    assert "BAD  prometheus" in said
    assert "see [prometheus] url" in said
    assert SECRET not in said
    assert list(tmp_path.iterdir()) == [file]


def test_doctor_says_that_a_token_is_wrong(
    tmp_path: Path, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch, capsys
) -> None:  # type: ignore[no-untyped-def]
    url = serve({"/scene": (401, {}, b"{}")})
    monkeypatch.setenv("TOKEN", SECRET)
    file = tmp_path / "target.toml"
    file.write_text(f'name = "x"\nbuild = "1"\n[api]\nurl = "{url}"\n[secrets]\ntoken = "env:TOKEN"\n')
    assert main(["doctor", "--target", str(file)]) == 1
    assert "answers 401" in capsys.readouterr().out


def test_the_environment_names_the_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFLIGHT_TARGET", str(tmp_path / "elsewhere.toml"))
    for arguments in (["doctor"], ["attest", "VR-COMF-07"], ["waive", "VR-COMF-07"], ["watch"]):
        done = preflight(*arguments, cwd=tmp_path)
        assert done.returncode == 4
        assert f"{tmp_path / 'elsewhere.toml'}: can't be read" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["combine", "nothing"], ["doctor", "--target", "nothing.toml"], ["verify", "nothing"], ["show", "nothing/latest"]],
)
def test_what_is_not_there_is_one_sentence(tmp_path: Path, arguments: list[str]) -> None:
    done = preflight(*arguments, cwd=tmp_path)
    assert done.returncode == 4
    assert done.stderr.startswith("preflight: nothing")
    assert "Traceback" not in done.stderr


def test_doctor_looks_whether_the_host_is_there(
    tmp_path: Path, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOKEN", SECRET)
    monkeypatch.setenv("HOME", str(tmp_path))  # no known host keys
    file = tmp_path / "target.toml"
    text = f'name = "x"\nbuild = "1"\n[api]\nurl = "{serve({"/scene": (200, {}, b"{}"), "/health": (200, {}, b"{}")})}"\n[secrets]\ntoken = "env:TOKEN"\n'

    file.write_text(f'{text}[host]\nroot = "{tmp_path}"\n')
    assert main(["doctor", "--target", str(file)]) == 1
    assert (
        "BAD  host          /opt/godot is missing: see [host] root and [paths] project, on this machine"
        in capsys.readouterr().out
    )

    (tmp_path / "opt" / "godot").mkdir(parents=True)
    assert main(["doctor", "--target", str(file)]) == 0
    assert "ok   host          /opt/godot is there, on this machine" in capsys.readouterr().out

    file.write_text(f'{text}[host]\nkind = "ssh"\naddress = "127.0.0.1"\nport = 1\n')
    assert main(["doctor", "--target", str(file)]) == 1
    assert "BAD  host          127.0.0.1 can't be reached by SSH" in capsys.readouterr().out


def test_the_list_of_faults(tmp_path: Path) -> None:
    done = preflight("rehearse", "--list-faults", cwd=tmp_path)
    assert done.returncode == 0
    assert "hsts_missing" in done.stdout


def test_help_names_every_command_in_80_columns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    for name in ("init", "doctor", "attest", "waive", "show", "verify", "sign", "combine", "watch", "many", "headset", "schema"):
        assert f"\n  {name} " in said


def test_a_misspelt_command_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["verfy"])
    assert ended.value.code == 4
    assert "did you mean verify?" in capsys.readouterr().err
