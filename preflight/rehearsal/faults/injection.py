"""Faults of what the game takes as input, and of whom it answers across origins."""

from __future__ import annotations

from preflight.rehearsal.behaviour import Answer
from preflight.rehearsal.faults.model import Change, Fault, answered, at, both, themed

_INPUT = "api.input"


NO_TRAVERSAL = at("api.intrusion", rules=("logins", "identities", "rate", "endpoint_rate", "flood", "injection"))
"""Traversal detection would refuse a path before the game has looked at it."""


def _accepts(pattern: str) -> Change:
    """Scene paths of the pattern are loaded, and overlooked by traversal detection."""
    return both(at(_INPUT, accepted_paths=(pattern,)), NO_TRAVERSAL)


FAULTS = themed(
    "injection",
    Fault("traversal_plain", "A scene path with ../ is loaded.", _accepts(r"\.\.[/\\]")),
    Fault("traversal_encoded", "A scene path with percent-encoded ../ is loaded.", _accepts(r"(?i)%2e%2e|\.\.%2f")),
    Fault("traversal_double_encoded", "A scene path with doubly encoded ../ is loaded.", _accepts(r"(?i)%252e|\.\.%252f")),
    Fault(
        "whitelist_ignored", "Scenes outside the whitelist are loaded.", at(_INPUT, accepted_paths=(r"^res://[\w/.-]+\.tscn$",))
    ),
    Fault(
        "whitelist_holds_internal_scene",
        "The whitelist holds an internal scene.",
        lambda deployment: at(_INPUT, whitelist=(*deployment.api.input.whitelist, "res://scenes/internal/sandbox.tscn"))(
            deployment
        ),
    ),
    Fault(
        "traversal_where_something_is",
        "Scene paths are followed out of the project and in again; what is not there is not found.",
        both(at(_INPUT, resolves=True), NO_TRAVERSAL),
    ),
    Fault(
        "web_folder_left",
        "An address with an encoded slash leads from the web folder to the environment file.",
        answered("GET /web/..%2F.env.production", Answer(200, "ENVIRONMENT=production\nJWT_SECRET_KEY={{jwt_secret}}\n")),
    ),
    Fault("user_path_accepted", "A user:// path is loaded.", at(_INPUT, accepted_paths=(r"^user://",))),
    Fault("absolute_path_accepted", "An absolute path of the host is loaded.", at(_INPUT, accepted_paths=(r"^/",))),
    Fault("script_file_accepted", "A file that is no scene is loaded.", at(_INPUT, accepted_paths=(r"\.gd$",))),
    Fault("oversize_body_accepted", "Bodies of any size are taken.", at(_INPUT, largest_body=64 * 1_048_576)),
    Fault("content_type_ignored", "JSON is taken under any content type.", at(_INPUT, check_content_type=False)),
    Fault("nul_crashes", "A NUL in the body is answered with 500.", at(_INPUT, broken_by=("nul",))),
    Fault("nesting_crashes", "10,000 nested arrays are answered with 500.", at(_INPUT, broken_by=("nested",))),
    Fault("bad_utf8_crashes", "A body that is not UTF-8 is answered with 500.", at(_INPUT, broken_by=("utf8",))),
    Fault("nul_closes", "A NUL in the body closes the connection.", at(_INPUT, broken_by=("nul",), broken_answer="close")),
    Fault(
        "nesting_closes",
        "10,000 nested arrays close the connection.",
        at(_INPUT, broken_by=("nested",), broken_answer="close"),
    ),
    Fault(
        "bad_utf8_closes",
        "A body that is not UTF-8 closes the connection.",
        at(_INPUT, broken_by=("utf8",), broken_answer="close"),
    ),
    Fault("page_reflects_script", "The web page shows its query unescaped.", at(_INPUT, page_reflects_query=True)),
    Fault("options_unanswered", "OPTIONS requests are never answered.", at("api.cors", answer_options=False)),
    Fault("cors_any_origin", "Any origin may read answers.", at("api.cors", origins=("*",))),
    Fault(
        "cors_any_origin_with_credentials",
        "Any origin may read answers, with credentials.",
        at("api.cors", origins=("*",), credentials=True),
    ),
    Fault("cors_reflects_origin", "Whatever origin asks is allowed.", at("api.cors", reflect=True)),
    Fault(
        "cors_reflects_with_credentials",
        "Whatever origin asks is allowed, with credentials.",
        at("api.cors", reflect=True, credentials=True),
    ),
    Fault("cors_null_origin", "The origin `null` is allowed.", at("api.cors", origins=("null",))),
    Fault(
        "cors_third_origin",
        "An origin beside the two production ones is allowed.",
        at(
            "api.cors",
            origins=(
                "https://spacetime.production.com",
                "https://api.spacetime.production.com",
                "https://staging.spacetime.production.com",
            ),
        ),
    ),
)
