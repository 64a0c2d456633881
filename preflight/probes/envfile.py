"""`.env` files, parsed by python-dotenv: what the game reads, and what stands there twice or broken."""

from __future__ import annotations

import io
from dataclasses import dataclass

from dotenv.parser import parse_stream

from preflight.redact import Secret

_SECRET_WORDS = ("SECRET", "PASSWORD", "TOKEN", "KEY")
_NO_SECRETS = ("JWT_TOKEN_EXPIRY",)


@dataclass(frozen=True)
class EnvFile:
    """Settings in the order of the file. The last of a doubled setting is in force."""

    entries: tuple[tuple[str, str], ...]
    broken: tuple[int, ...]

    def value(self, name: str) -> str | None:
        """The value in force, or None."""
        values = [value for key, value in self.entries if key == name]
        return values[-1] if values else None

    def count(self, name: str) -> int:
        """How often the setting stands in the file."""
        return sum(key == name for key, _ in self.entries)

    def secrets(self) -> list[Secret]:
        """Values whose names say that they are secret."""
        return [
            Secret(value)
            for key, value in self.entries
            if len(value) >= 8 and key not in _NO_SECRETS and any(word in key.upper() for word in _SECRET_WORDS)
        ]


def parse(text: str) -> EnvFile:
    """The settings of a `.env` file, quotes and trailing comments taken off; `broken` holds numbers of bad lines."""
    entries, broken = [], []
    for binding in parse_stream(io.StringIO(text.removeprefix("\ufeff"))):
        if binding.error:
            broken.append(binding.original.line)
        elif binding.key is not None:
            entries.append((binding.key, binding.value or ""))
    return EnvFile(tuple(entries), tuple(broken))
