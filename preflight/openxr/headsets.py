"""Names of headsets: the game and the runtime seldom use the same words for one."""

from __future__ import annotations

import re

_FAMILIES = {
    "quest 2": ("quest 2", "quest2", "miramar"),
    "quest 3s": ("quest 3s", "quest3s"),
    "quest 3": ("quest 3", "quest3", "eureka"),
    "quest pro": ("quest pro",),
    "quest": ("quest", "oculus"),
    "index": ("index", "lhr"),
    "vive": ("vive",),
    "pico": ("pico",),
    "reverb": ("reverb",),
    "rift": ("rift",),
}
_ALONE = ("quest",)
"""Families whose name says less than the others': Quest Link calls every Quest "Oculus Quest"."""


def family(name: str) -> str:
    """The family of a headset by its name, or the name itself in small letters and figures."""
    plain = re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()
    for found, words in _FAMILIES.items():
        if any(word in plain for word in words):
            return found
    return plain


def alike(one: str, other: str) -> bool:
    """Whether two names may be of one headset; an empty name is like nothing."""
    first, second = family(one), family(other)
    if not first or not second:
        return False
    return first == second or any(
        first.startswith(alone) and second.startswith(alone) for alone in _ALONE if alone in (first, second)
    )
