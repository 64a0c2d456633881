"""Faults of the web dashboard."""

from __future__ import annotations

from preflight.rehearsal.behaviour import Answer
from preflight.rehearsal.faults.model import Change, Fault, answered, merge, themed

_HTML = "/web/scene_manager.html"
_SCRIPT = "/web/scene_manager.js"


def _edited(page: str, old: str, new: str) -> Change:
    return merge("api", "page_edits", {page: {old: new}})


FAULTS = themed(
    "web page",
    Fault("page_missing", "The dashboard is not there.", answered(f"GET {_HTML}", Answer(404, "not found"))),
    Fault(
        "reload_button_missing",
        "There is no button Reload Scene.",
        merge(
            "api",
            "page_edits",
            {
                _HTML: {'<button type="button" id="reload-scene">Reload Scene</button>': ""},
                _SCRIPT: {'wire("reload-scene", reloadScene);': ""},
            },
        ),
    ),
    Fault(
        "info_button_hidden", "The button Scene Info can't be seen.", _edited(_HTML, 'id="scene-info"', 'id="scene-info" hidden')
    ),
    Fault(
        "validate_button_disabled",
        "The button Validate Scene is disabled.",
        _edited(_HTML, 'id="validate-scene"', 'id="validate-scene" disabled'),
    ),
    Fault(
        "reload_button_dead", "The button Reload Scene does nothing.", _edited(_SCRIPT, 'wire("reload-scene", reloadScene);', "")
    ),
    Fault(
        "reload_button_wrong_endpoint",
        "Reload Scene calls an endpoint that is not there.",
        _edited(_SCRIPT, '"/scene/reload"', '"/scenes/reload"'),
    ),
    Fault(
        "validate_button_loads",
        "Validate Scene loads the scene instead.",
        _edited(_SCRIPT, 'call("PUT", "/scene"', 'call("POST", "/scene"'),
    ),
    Fault(
        "info_button_shows_nothing",
        "Scene Info shows nothing of the scene.",
        _edited(_SCRIPT, 'show("Scene Info", await call("GET", "/scene"))', 'show("Scene Info", "")'),
    ),
    Fault(
        "exception_on_load",
        "The page's script throws while it loads.",
        _edited(_SCRIPT, '"use strict";', '"use strict";\nundefinedFunction();'),
    ),
    Fault(
        "exception_on_click",
        "A click throws an exception.",
        _edited(_SCRIPT, '    result.textContent = "Calling…";', "    missing.call();"),
    ),
    Fault(
        "console_error",
        "The page logs an error.",
        _edited(_SCRIPT, '"use strict";', '"use strict";\nconsole.error("settings not found");'),
    ),
    Fault(
        "resource_missing", "The page's style sheet is not there.", _edited(_HTML, "/web/scene_manager.css", "/web/missing.css")
    ),
    Fault("script_missing", "The page's script is not there.", _edited(_HTML, "/web/scene_manager.js", "/web/missing.js")),
    Fault(
        "english_locale_only",
        "The page breaks where decimals have commas.",
        _edited(
            _SCRIPT,
            '"use strict";',
            '"use strict";\nif ((1.5).toLocaleString() !== "1.5") {\n  throw new Error("bad number");\n}',
        ),
    ),
)
