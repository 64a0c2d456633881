"""The game's project: where its settings stand, and project.godot as Godot's ConfigFile reads it."""

from __future__ import annotations

import configparser

from preflight.errors import LookError
from preflight.probes.host import Host, read_text

SECURITY_CONFIG = "scripts/http_api/security_config.gd"
API_SERVER = "scripts/http_api/http_api_server.gd"
SECURITY_HEADERS = "scripts/security/security_headers.gd"
SETTINGS_FILES = (SECURITY_CONFIG, API_SERVER, SECURITY_HEADERS)
"""Where the checklist's 18 settings stand in the project (checklist.md lines 803, 836, 879)."""

MSAA = {"0": "off", "1": "2x", "2": "4x", "3": "8x"}
RENDERING_METHOD = "rendering/renderer/rendering_method"
MSAA_3D = "rendering/anti_aliasing/quality/msaa_3d"
_DEFAULTS = {RENDERING_METHOD: "forward_plus", MSAA_3D: "0"}
"""Godot 4.5's own, where the file says nothing."""


def setting(host: Host, folder: str, name: str) -> str:
    """A project setting with what `override.cfg` makes of it, else Godot's default.

    Raises LookError when project.godot is missing or can't be parsed.
    """
    if host.facts(f"{folder}/project.godot") is None:
        raise LookError(f"{folder}/project.godot is missing, so that no project setting can be judged")
    value = _DEFAULTS.get(name, "")
    for file in ("project.godot", "override.cfg"):
        if host.facts(f"{folder}/{file}") is not None:
            value = parse(read_text(host, f"{folder}/{file}"), f"{folder}/{file}").get(name, value)
    return value


def parse(text: str, path: str = "project.godot") -> dict[str, str]:
    """Settings by "section/key", strings without their quotes. Raises LookError when it is no such file."""
    parser = configparser.ConfigParser(
        delimiters=("=",), comment_prefixes=(";",), strict=False, interpolation=None, allow_no_value=True, default_section="\0"
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys are told apart by letter case
    try:
        parser.read_string(f"[\1]\n{text.removeprefix(chr(0xFEFF))}", source=path)
    except configparser.Error as error:
        raise LookError(f"{path} can't be parsed: {str(error).splitlines()[0]}") from error
    return {
        f"{section}/{key}": (value or "").strip().strip('"')
        for section in parser.sections()
        for key, value in parser.items(section)
    }
