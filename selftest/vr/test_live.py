"""The live session: telemetry becomes a recording, a person at a terminal is led through it, stops, and takes it up again."""

from __future__ import annotations

import json
import math
import os
import re
import select
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from preflight.checklist import load
from preflight.openxr import comfort, frames_file, inputs, live, monado
from preflight.openxr.scenarios import SCENARIOS
from preflight.openxr.sitting import ROLES
from preflight.probes.telemetry import Listening, Message
from preflight.rehearsal import player
from preflight.rehearsal.behaviour import Deployment
from preflight.rehearsal.deploy import Rehearsal

ROOT = Path(__file__).resolve().parents[2]
BUTTONS = ("trigger", "grip")
ANSWERS = {
    r"Your name": "Somebody at a Terminal",
    r"Your role": "QA Lead",
    r"Press Enter[^:]*:": "",
    r"Does it hold\?[^:]*:": "yes",
    r"Play it again\?[^:]*:": "no",
    r"something to record[^:]*:": "no",
    r"What happened\?[^:]*:": "dizzy after a turn",
}


def _heard(seconds: float = 2 * player.CYCLE_S, *, turn: float = 1.0, fps: float = 90.0, bare: bool = False) -> Listening:
    """What a player's stream holds; `turn` stretches the turns, `bare` leaves the vignette out."""
    messages, told = [], 0.0
    for index in range(1, int(10 * seconds) + 1):
        at = index / 10
        x, z, yaw = player.place(at)
        half = (turn * yaw + player.looks_about(at)) * math.pi / 360
        head = {"position": [x, 1.6, z], "rotation": [0, math.sin(half), 0, math.cos(half)], "tracked": True}
        hand = {"buttons": {name: player.pressed(at, BUTTONS) == name for name in BUTTONS}}
        tracking = {"headset": head, "left_controller": hand, "right_controller": hand}
        happened = [("vr_tracking", tracking), *player.happenings(told, at)]
        messages += [
            Message("event", at, {"type": "event", "event": event, "data": data})
            for event, data in happened
            if not (bare and event == "vignette")
        ]
        messages.append(Message("frame", at, {"number": int(at * fps), "fps": fps}))
        told = at
    return Listening(seconds, 0.1, messages)


def _told(*heard: Listening) -> frames_file.Recording:
    about = {"headset": "H", "simulated": False, "build": "1", "facts": {"scenarios": "s"}}
    return frames_file.of(live.joined([live.part(one) for one in heard], about), "live session")


def _seen(recording: frames_file.Recording) -> dict[str, bool]:
    return {name: look(recording).seen for name, look in live.LOOKS.items()}


def test_everything_a_player_does_is_seen():
    told = _told(_heard(), _heard())

    assert _seen(told) == dict.fromkeys(live.LOOKS, True)
    assert len(comfort.turns(told.telemetry)) == len(comfort.teleport_errors(told.telemetry)) == 4
    assert [second.fps for second in told.seconds] == pytest.approx([90.0] * 30, abs=1)
    assert (told.hz, told.facts["scenarios"], inputs.stuck(told)) == (None, "s", [])
    assert inputs.slowest(told) is None


@pytest.mark.parametrize(
    ("heard", "missed"),
    [
        (_heard(turn=1.2), {"turns"}),
        (_heard(fps=80.0), {"frame rate"}),
        (_heard(bare=True), {"vignette"}),
        (_heard(0.9), {"frame rate", "head", "buttons", "turns", "teleports", "vignette"}),
    ],
    ids=["turns of 36", "80 FPS", "no vignette", "nothing done"],
)
def test_what_is_wrong_or_was_not_done_is_named(heard, missed):
    assert {name for name, seen in _seen(_told(heard)).items() if not seen} == missed


def test_nothing_goes_on_over_the_seam_of_two_scenarios():
    # the first ends in movement, the second begins a metre elsewhere
    first, second = _heard(player.CYCLE_S / 2 + 0.5), _heard(player.CYCLE_S)

    told = _told(first, second)

    assert len(comfort.moves(told.telemetry)) == 1
    assert comfort.worst_jump(told.telemetry)[0] < 0.1


def test_frames_are_counted_by_their_numbers_and_a_restart_is_no_rate():
    numbers = [(0, 0), (0.5, 45), (1, 90), (1.5, 10), (2, 55), (3, 145)]
    heard = Listening(3, 0, [Message("frame", at, {"number": number, "fps": 1.0}) for at, number in numbers])

    assert live.rates(heard) == [90, 90]
    said = Listening(2, 0, [Message("event", 0.1, {"event": "fps", "data": {"fps": fps}}) for fps in (80, 90, True, "x")])
    assert live.rates(said) == [85]


def test_button_held_as_the_clock_runs_out_is_not_stuck_and_one_held_for_long_is():
    def stream(since: float) -> Listening:
        def at(moment: float) -> Message:
            hand = {"buttons": {"grip": moment >= since}}
            return Message("event", moment, {"event": "vr_tracking", "data": {"left_controller": hand}})

        return Listening(20, 0, [at(moment / 10) for moment in range(200)])

    assert live.part(stream(18))["inputs"] == []
    assert live.part(stream(5))["inputs"] == [["left", "grip", None, 5.0]]


def test_every_item_asked_is_one_that_these_roles_may_attest():
    items = load().by_id
    asked = [name for scenario in SCENARIOS for name in scenario.asks]
    manual = [item.id for item in items.values() if item.manual and item.section == "vr"]

    assert sorted(asked) == sorted(manual)
    assert all(set(items[name].roles) & set(ROLES) for name in asked)
    assert all(look in live.LOOKS for scenario in SCENARIOS for look in scenario.looks)
    assert [s.minutes for s in SCENARIOS] == [0, 5, 5, 5, 5, 20, 0]


def _typed(command: list[str], answers: dict[str, str], folder: Path, stop_at: str = "") -> tuple[str, int]:
    """Run a command at a terminal of its own, answer its questions, and press Ctrl-C where `stop_at` is shown."""
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["PYTHONPATH"] = str(ROOT)
        os.chdir(ROOT)
        os.execv(command[0], command)
    seen = fresh = ""
    until = time.monotonic() + 240
    while time.monotonic() < until:
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        try:
            data = os.read(terminal, 65536).decode("utf-8", "replace")
        except OSError:  # the program has closed it
            break
        clean = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data)
        seen, fresh = seen + clean, fresh + clean
        if stop_at and stop_at in fresh:
            stop_at = ""
            os.write(terminal, b"\x03")
            continue
        for question, answer in answers.items():
            asked = re.search(question, fresh)
            if asked:
                fresh = fresh[asked.end() :]
                os.write(terminal, f"{answer}\n".encode())
                break
    os.close(terminal)
    (folder / "terminal.txt").write_text(seen, "utf-8")
    return seen, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _pytest(folder: Path, *more: str, minutes: str = "0.15") -> list[str]:
    words = [
        "-m",
        "pytest",
        "-q",
        "--live",
        "--live-minutes",
        minutes,
        "--record",
        str(folder / "record"),
        "-p",
        "no:cacheprovider",
    ]
    return [sys.executable, *words, *more]


def _items(folder: Path) -> dict[str, dict[str, object]]:
    record = json.loads((folder / "record/latest/record.json").read_text("utf-8"))
    return {item["id"]: item for item in record["items"]}


needed = pytest.mark.skipif(monado.tree() is None, reason=f"no simulated headset here; get it with: {monado.INSTALL}")


@needed
@pytest.mark.lengthy
def test_person_is_led_through_the_session(tmp_path):
    chosen = ["--rehearse", "-k", "comfort or features or buttons", "tests/vr"]
    seen, _ = _typed(_pytest(tmp_path, *chosen), ANSWERS, tmp_path)

    assert "This is a REHEARSAL" in seen
    assert "5 of 7: locomotion, shortened to 0.15 of 5 minutes" in seen
    items = _items(tmp_path)
    for name in ("VR-COMF-01", "VR-COMF-02", "VR-COMF-03", "VR-COMF-07", "VR-CTRL-05", "VR-FEAT-06"):
        assert items[name]["status"] == "PASS", items[name]["reason"]
    facts = json.dumps(items["VR-COMF-07"])
    assert "Somebody at a Terminal, QA Lead" in facts
    assert "comfort, shortened to 0.15 of 20 min" in facts
    assert "comfort 0.15 min (shortened from 20)" in json.dumps(items["VR-COMF-02"])


@needed
@pytest.mark.lengthy
def test_frames_are_the_tools_and_what_was_done_is_the_sessions(tmp_path):
    file = Path(__file__).parent / "data/presentmon-2.csv"
    chosen = ["--rehearse", "--frames", str(file), "-k", "frames or comfort", "tests/vr"]
    _typed(_pytest(tmp_path, *chosen), ANSWERS, tmp_path)

    items = _items(tmp_path)
    assert "presentmon-2.csv" in json.dumps(items["VR-FRAME-06"])
    assert items["VR-FRAME-06"]["evidence"]["frames"]
    assert "comfort 0.15 min (shortened from 20)" in json.dumps(items["VR-COMF-02"])
    assert items["VR-COMF-02"]["status"] == "PASS", items["VR-COMF-02"]["reason"]


@needed
@pytest.mark.lengthy
def test_session_is_stopped_and_taken_up_again(tmp_path, monkeypatch):
    with Rehearsal(Deployment(), tmp_path / "deployment") as rehearsal:
        for name, value in rehearsal.environment.items():
            monkeypatch.setenv(name, value)
        chosen = [
            "--target",
            str(tmp_path / "deployment/target.toml"),
            "tests/vr/test_comfort.py::test_turns_snap_by_thirty_degrees",
        ]
        first, _ = _typed(_pytest(tmp_path, *chosen, minutes="0.05"), ANSWERS, tmp_path, stop_at="4 of 7: controllers")
        stopped = _items(tmp_path)["VR-COMF-02"]
        again, _ = _typed(_pytest(tmp_path, *chosen, minutes="0.05"), ANSWERS, tmp_path)
        third, _ = _typed(
            _pytest(tmp_path, *chosen, minutes="0.05"), {**ANSWERS, r"played again\?[^:]*:": "head movement"}, tmp_path
        )
        unwell = {
            **ANSWERS,
            r"played again\?[^:]*:": "comfort",
            r"something to record[^:]*:": "yes",
            r"Does it hold\?[^:]*:": "no",
        }
        _typed(_pytest(tmp_path, *chosen, minutes="0.05"), unwell, tmp_path, stop_at="6 of 7: comfort")
        attested = tomllib.loads((tmp_path / "deployment/attestations.toml").read_text("utf-8"))["attestation"]

    assert "Stopped at controllers" in first
    assert "head movement 0.05 min" in json.dumps(stopped)
    assert "locomotion" not in json.dumps(stopped["evidence"])
    assert "The live session: controllers, locomotion, comfort, features" in again
    assert "standing still, shortened" not in again
    assert "3 of 7: head movement" in third
    assert "2 of 7" not in third
    asked = [name for scenario in SCENARIOS for name in scenario.asks]
    noes = [entry for entry in attested if entry["outcome"] == "no"]
    assert sorted(entry["item"] for entry in attested if entry not in noes) == sorted([*asked, "VR-TRACK-03"])
    assert [entry["item"] for entry in noes] == [f"VR-COMF-{number:02}" for number in range(5, 11)]
    assert "comfort was broken off" in noes[0]["note"]
    assert noes[0]["note"].endswith("dizzy after a turn")


def test_without_a_terminal_it_says_so(tmp_path):
    command = _pytest(tmp_path, "--rehearse", "tests/vr/test_features.py::test_menu_can_be_used")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True)

    menu = _items(tmp_path)["VR-FEAT-03"]
    assert menu["status"] == "PENDING"
    assert "no terminal here" in str(menu["reason"]) or "no simulated headset" in str(menu["reason"])
