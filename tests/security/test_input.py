"""Whatever is sent, the API answers properly and does nothing it should not.

Checklist line 1203: no critical vulnerabilities.
"""

from contextlib import nullcontext

import pytest

from preflight.errors import Unreachable
from preflight.fixtures import item
from preflight.probes import intruder, scenes, sizes

MEGABYTE = 1024 * 1024

BROKEN = {
    "half an object": b'{"scene_path": "res://lobby',
    "a list": b"[1, 2",
    "nothing": b"",
}

ODD = {
    "NUL bytes": b'{"scene_path": "res://a\\u0000.tscn"}',
    "raw NUL bytes": b'{"scene_path": "res://a\x00.tscn"}',
    "10,000 nested arrays": b'{"scene_path": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "invalid UTF-8": b'{"scene_path": "res://\xff\xfe.tscn"}',
}


@item("SEC-INPUT-01")
@pytest.mark.parametrize("way", intruder.TRAVERSALS)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_scene_path_cannot_climb_out_of_the_project(intruder_client, api, token, target, evidence, method, way):
    """A scene path can't climb out of the project, however it is encoded."""
    with scenes.put_back(api, token) if method == "POST" else nullcontext():  # PUT checks a scene and loads none
        answer = intruder_client.ask(method, "/scene", body={"scene_path": intruder.TRAVERSALS[way]})
        evidence.request(answer)
        home = target.facts.paths.project
        if answer.status_code == 404 and (again := intruder.back_in(way, scenes.current(api, token), home)):
            answer = intruder_client.ask(method, "/scene", body={"scene_path": again})
            evidence.request(answer)

    assert not intruder.leads_out(answer), (
        f"{method} /scene takes a path that leads out of the project ({way}): {answer.status_code}"
    )


@item("SEC-INPUT-01")
@pytest.mark.parametrize("path", intruder.OUT_OF_THE_WEB_FOLDER)
def test_address_cannot_climb_out_of_the_web_folder(intruder_client, evidence, path):
    """An address can't climb out of the folder of the web page either."""
    answer = intruder_client.ask("GET", path)
    evidence.request(answer)

    assert not intruder.hands_out(answer), f"GET {path} hands out the environment file ({len(answer.body)} bytes)"


@item("SEC-INPUT-02")
def test_scene_outside_the_whitelist_is_refused(api, token, target, evidence):
    """A scene outside the whitelist is refused and not loaded."""
    scenes.must_be_free(api, token, target)
    said = set()
    with scenes.put_back(api, token):
        for outside in scenes.not_for_players(api, token, target):
            answer = scenes.load(api, token, outside)
            evidence.request(answer)
            said.add(answer.status_code)

            assert answer.status_code in (400, 403, 404), f"POST /scene loads {outside}: {answer.status_code}"
    if said == {404}:
        evidence.warn(
            "every scene that was tried is missing (404): GET /scenes names none that the whitelist would have to refuse"
        )


@item("SEC-INPUT-03")
def test_oversize_body_is_refused(api, token, evidence):
    """A body over the size limit is refused."""
    answer = sizes.send_body(api, token, sizes.OVERSIZE_MEGABYTES)
    evidence.request(answer)
    refused = answer.status_code in (413, 431)

    evidence.judge("accepted_body", 0 if refused else sizes.OVERSIZE_MEGABYTES, where=f"answer {answer.status_code}")


@item("SEC-INPUT-04")
@pytest.mark.parametrize("kind", [*BROKEN, "a wrong content type"])
def test_broken_json_is_refused(api, token, evidence, kind):
    """Broken JSON and a wrong content type are refused with 400."""
    if kind == "a wrong content type":
        options = {"body": b'{"scene_path": "res://no-such-scene.tscn"}', "headers": {"Content-Type": "text/plain"}}
        refusals = (400, 415)
    else:
        options, refusals = {"body": BROKEN[kind]}, (400, 411, 422)
    answer = api.ask("POST", "/scene", token=token, **options)
    evidence.request(answer)

    assert answer.status_code in refusals, f"POST /scene with {kind} answers {answer.status_code}, not 400"


@item("SEC-INPUT-05")
@pytest.mark.parametrize("kind", ODD)
def test_odd_input_upsets_nothing(intruder_client, api, evidence, kind):
    """Odd input (NUL bytes, deep nesting, invalid UTF-8) brings neither a 5xx nor a dropped connection."""
    try:
        answer = intruder_client.ask("POST", "/scene", body=ODD[kind])
    except Unreachable as error:
        assert api.get("/health").status_code != 200, f"{kind} gets no answer while the server is up: {error}"
        raise
    evidence.request(answer)

    assert answer.status_code < 500, f"{kind} get {answer.status_code}"


@item("SEC-INPUT-06")
@pytest.mark.parametrize("method", ["TRACE", "PATCH", "OPTIONS"])
def test_unknown_method_is_refused_promptly(api, evidence, method):
    """Methods that the API does not know are refused promptly."""
    answer = api.ask(method, "/health", total_seconds=5.0)
    evidence.request(answer)

    assert answer.status_code < 500 or answer.status_code == 501, f"{method} /health answers {answer.status_code}"
    if method == "TRACE":
        assert answer.status_code >= 400, f"TRACE /health answers {answer.status_code}: it echoes headers to scripts"


@item("SEC-INPUT-07")
@pytest.mark.parametrize("path", ["/web/scene_manager.html", "/no-such-endpoint"])
def test_sent_script_is_not_reflected(intruder_client, evidence, path):
    """What a client sends is not run as a script by the web page or by an error answer."""
    answer = intruder_client.ask(
        "GET", f"{path}?scene=%3Cscript%3Epreflight()%3C/script%3E&q=%3Cscript%3Epreflight()%3C/script%3E"
    )
    evidence.request(answer)
    is_page = "html" in (answer.header("Content-Type") or "html").lower()

    assert not (is_page and intruder.SCRIPT in answer.text), f"GET {path} gives a script back as it was sent"


@item("SEC-INPUT-08")
def test_random_input_brings_nothing_down(intruder_client, target, evidence):
    """Random input never brings down an endpoint or makes it hang."""
    intruder.fuzzing_allowed(target)
    for path, answer in intruder.anything(intruder_client):
        evidence.request(answer)

        assert answer.status_code < 500, f"PUT /scene with {path!r} answers {answer.status_code}"
