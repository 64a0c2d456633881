"""The deployment under test: one typed, frozen object from a TOML file and the secrets it names."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from preflight.redact import Secret, learn
from preflight.targetfile import SecretName, TargetFile


class TargetError(ValueError):
    """The target can't be used as it is: one sentence that names key, file and line."""


class Target:
    """The deployment under test: the file's facts, the secrets' values, and where the file lies."""

    def __init__(self, facts: TargetFile, path: Path, secrets: Mapping[str, Secret]) -> None:
        self.facts = facts
        self.path = path
        self._secrets = dict(secrets)
        self._learned: list[Secret] = []

    def secret(self, name: SecretName) -> Secret | None:
        """A secret by its name, or None where the operator gave none."""
        return self._secrets.get(name)

    def learn(self, *secrets: Secret) -> None:
        """Remember secrets found while looking (in the host's environment file), so that no report shows them."""
        for secret in secrets:
            if secret not in self._learned:
                self._learned.append(secret)
                learn(secret.reveal())

    def known_secrets(self) -> list[Secret]:
        """Every secret of this target that the run knows: what must not be found in answers and logs."""
        return [*self._secrets.values(), *self._learned]

    def revealed(self) -> list[str]:
        """Every secret's value, for the redactor alone."""
        return [secret.reveal() for secret in self._secrets.values()]

    def beside(self, path: Path) -> Path:
        """`path` as seen from the target file."""
        return path if path.is_absolute() else self.path.parent / path

    def consents(self, consent: str) -> bool:
        """Whether the operator has agreed to that effect."""
        return bool(self.facts.consent.get(consent, False))  # type: ignore[call-overload]

    def port_of_the_game(self) -> int | None:
        """The port the game itself listens on, where the target file says it."""
        url = self.facts.api.internal_url
        if url is None:
            return None
        return urlsplit(url).port or (443 if url.startswith("https") else 80)

    def offers(self, part: str) -> bool:
        """Whether the target file says where `part` is to be found."""
        facts = self.facts
        present: dict[str, bool] = {
            "api": True,
            "front": facts.api.url.startswith("https://"),
            "telemetry": facts.telemetry is not None,
            "host": facts.host is not None,
            "prometheus": facts.prometheus is not None,
            "alertmanager": facts.alertmanager is not None,
            "grafana": facts.grafana is not None,
            "loki": facts.loki is not None,
            "game_tests": facts.host is not None,
        }
        return present.get(part, True)


HOW_TO_OFFER: dict[str, str] = {
    "front": "give [api] url as an https:// address",
    "telemetry": 'give [telemetry] url = "ws://…"',
    "host": "give [host] kind and root (or address)",
    "prometheus": 'give [prometheus] url = "http://…"',
    "alertmanager": 'give [alertmanager] url = "http://…"',
    "grafana": 'give [grafana] url = "http://…"',
    "loki": 'give [loki] url = "http://…" or file = "/…" on the host, or declare it under [absent]',
    "game_tests": "give [host], whose paths.test_reports holds the JUnit files of the game's tests",
}


def default_place(folder: Path) -> Path:
    """Where the target file is when nobody names one: what PREFLIGHT_TARGET says, else target.toml in `folder`."""
    named = os.environ.get("PREFLIGHT_TARGET")
    return Path(named).absolute() if named else folder / "target.toml"


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Target:
    """Read, validate and complete a target.

    Raises TargetError with one sentence: unknown keys, bad URLs, placeholders, secrets in plain text or not to be found.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise TargetError(f"{path}: can't be read ({error.strerror}); make one with `preflight init`") from error
    except UnicodeDecodeError as error:
        raise TargetError(f"{path}: is not UTF-8 text") from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TargetError(f"{path}: not valid TOML: {error}") from error
    for keys, value in _strings(raw):
        if re.search(r"<[^<>\n]*>", value):
            raise TargetError(f"{path}{_line(text, keys)}: {'.'.join(keys)} still holds the placeholder {value!r}; replace it")
    try:
        facts = TargetFile.model_validate(raw)
    except ValidationError as error:
        raise TargetError(_sentence(path, text, error)) from error
    if facts.api.ca_file is not None:  # as every other path in the file, it is seen from the file
        api = facts.api.model_copy(update={"ca_file": path.parent / facts.api.ca_file})
        facts = facts.model_copy(update={"api": api})
    secrets = {}
    for name, reference in facts.secrets.model_dump().items():
        if reference is not None:
            try:
                secrets[name] = _secret(reference, path.parent, environment)
            except ValueError as error:
                raise TargetError(f"{path}{_line(text, ('secrets', name))}: secrets.{name}: {error}") from error
    if facts.times.rolled_back_at and not facts.times.deployed_at:
        raise TargetError(f"{path}{_line(text, ('times', 'rolled_back_at'))}: times.rolled_back_at without times.deployed_at")
    return Target(facts, path, secrets)


def _secret(reference: str, folder: Path, environment: Mapping[str, str]) -> Secret:
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        value = environment.get(name, "")
        if not value.strip():
            raise ValueError(f"the environment variable {name} is not set")
        return Secret(value.strip())
    if kind == "file" and name:
        try:
            file = folder / Path(name).expanduser()
        except RuntimeError as error:
            raise ValueError(f"{name}: there is no such user") from error
        try:
            mode = file.stat().st_mode
            value = file.read_text("utf-8").strip()
        except OSError as error:
            raise ValueError(f"{file} can't be read ({error.strerror})") from error
        if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ValueError(f"{file} can be read by others; run: chmod 600 {file}")
        if not value:
            raise ValueError(f"{file} is empty")
        return Secret(value)
    raise ValueError("write env:NAME or file:PATH here, never the secret itself")


def _strings(value: Any, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        yield keys, value
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _strings(entry, (*keys, str(key)))
    elif isinstance(value, list):
        for entry in value:
            yield from _strings(entry, keys)


def _line(text: str, keys: tuple[str, ...]) -> str:
    """` line N` of the key in the file, or nothing where it can't be told (inline tables, dotted keys)."""
    table, wanted = list(keys[:-1]), keys[-1] if keys else ""
    current: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
        if header:
            current = [part.strip().strip("\"'") for part in header[1].split(".")]
            if current == list(keys):
                return f" line {number}"
        elif current == table and re.match(rf"\s*[\"']?{re.escape(wanted)}[\"']?\s*=", line):
            return f" line {number}"
    return ""


def _sentence(path: Path, text: str, error: ValidationError) -> str:
    first = error.errors()[0]
    keys = tuple(str(part) for part in first["loc"] if part != "[key]")
    name = ".".join(keys)
    match first["type"]:
        case "extra_forbidden":
            return f"{path}{_line(text, keys)}: unknown key {name}{_suggestion(keys)}"
        case "missing":
            return f"{path}: {name} is missing"
    message = first["msg"].removeprefix("Value error, ")
    if keys and keys[0] == "secrets":
        message = "must be env:NAME or file:PATH"
    return f"{path}{_line(text, keys)}: {name}: {message}"


def _suggestion(keys: tuple[str, ...]) -> str:
    import difflib

    model: Any = TargetFile
    for key in keys[:-1]:
        annotation = model.model_fields[key].annotation if key in model.model_fields else None
        candidates = [annotation, *get_args(annotation)]
        model = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
        if model is None:
            return ""
    close = difflib.get_close_matches(keys[-1], model.model_fields, n=1)
    return f"; did you mean {close[0]}?" if close else ""
