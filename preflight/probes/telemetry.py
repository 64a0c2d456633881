"""The telemetry WebSocket: connected, listened to for a bounded time, decoded."""

from __future__ import annotations

import gzip
import json
import struct
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection

from preflight.errors import LookError, Unreachable
from preflight.probes.websocket import opened
from preflight.redact import printable

LISTEN_SECONDS = 10.5
"""Long enough for ten seconds of staying up, twenty FPS events and both binary frames."""

STABLE_SECONDS = 31.0
"""The server pings every 30 s: a connection that lasts longer has survived one."""

_MOST_BYTES = 4 * 1024 * 1024
_MOST_MESSAGES = (10_000, 1_000)
_MOST_KEPT = (4 * 1024 * 1024, 64 * 1024)
"""So many at first, and so many more a second: the game documents some hundred messages, and 30 KB, a second."""
_LONGEST_TEXT = 200
_MOST_FPS, _LONGEST_FRAME_MS = 1_000.0, 600_000.0
"""What a frame can say of itself, in the documented byte order."""

_FRAME = struct.Struct(">BIfff")
_PACKED = struct.Struct(">BII")


@dataclass(frozen=True)
class Message:
    """One decoded message: `kind` is "event", "alert", "frame", "packed" or what the server called it."""

    kind: str
    at: float
    data: dict[str, Any]


@dataclass
class Listening:
    """What came in a time of listening. `first` is seconds until the first message, None for silence."""

    seconds: float = 0.0
    first: float | None = None
    messages: list[Message] = field(default_factory=list)
    undecodable: list[str] = field(default_factory=list)
    closed: str = ""

    def of(self, kind: str) -> list[Message]:
        """The messages of a kind."""
        return [message for message in self.messages if message.kind == kind]

    def events(self, event: str) -> list[Message]:
        """The events of a name, by its start (`vr` finds `vr_tracking`)."""
        return [m for m in self.of("event") if str(m.data.get("event", "")).startswith(event)]


def decode(message: str | bytes) -> tuple[str, dict[str, Any]]:
    """Kind and content of a message, as documented: text is JSON; bytes begin with their type.

    Raises ValueError with what is wrong with it.
    """
    if isinstance(message, str):
        said = _parsed(message)
        if not isinstance(said, dict):
            raise ValueError("text that is no JSON object")  # noqa: TRY004 - the caller asks what is wrong with it
        return str(said.get("type", "untyped")), said
    if not message:
        raise ValueError("an empty binary message")
    if message[0] == 0x01:
        if len(message) != _FRAME.size:
            raise ValueError(f"a frame of {len(message)} bytes where {_FRAME.size} are documented")
        _, number, fps, frame_ms, physics_ms = _FRAME.unpack(message)
        if not (0 <= fps <= _MOST_FPS and 0 <= frame_ms <= _LONGEST_FRAME_MS):  # neither NaN nor another byte order
            raise ValueError(f"a frame of {frame_ms:g} ms at {fps:g} FPS")
        return "frame", {"number": number, "fps": fps, "frame_time_ms": frame_ms, "physics_time_ms": physics_ms}
    if message[0] == 0x02:
        return "packed", _unpack(message)
    raise ValueError(f"an unknown type byte 0x{message[0]:02x}")


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("JSON nested too deep") from error


def _unpack(message: bytes) -> dict[str, Any]:
    if len(message) < _PACKED.size:
        raise ValueError("a packed message without its lengths")
    _, plain, packed = _PACKED.unpack_from(message)
    if plain > _MOST_BYTES or packed != len(message) - _PACKED.size:
        raise ValueError("a packed message whose lengths do not fit")
    try:
        data = zlib.decompressobj(wbits=31).decompress(message[_PACKED.size :], plain + 1)
        said = _parsed(data)
    except (zlib.error, gzip.BadGzipFile, UnicodeDecodeError) as error:
        raise ValueError(f"a packed message that can't be unpacked: {error}") from error
    if len(data) != plain:
        raise ValueError("a packed message of another length than it says")
    return said if isinstance(said, dict) else {"content": said}


@contextmanager
def connection(url: str, user_agent: str) -> Iterator[ClientConnection]:
    """A telemetry connection. Raises Unreachable when nobody accepts it, LookError when it is no WebSocket."""
    with ExitStack() as open_:
        try:
            made = open_.enter_context(opened(url, user_agent=user_agent, max_size=_MOST_BYTES))
        except InvalidHandshake as error:
            raise Unreachable(f"{url} refuses the WebSocket: {printable(str(error), 120)}") from error
        except (OSError, TimeoutError, EOFError) as error:
            raise Unreachable(f"{url}: {printable(str(error) or type(error).__name__, 120)}") from error
        yield made


def listen(made: ClientConnection, seconds: float, *, enough: int | None = None, into: Listening | None = None) -> Listening:
    """Listen for at most `seconds`, or until `enough` messages came; they are kept `into` that, as they come.

    Of what is packed, and of more than a game has to tell, single values are kept. Raises LookError for a flood.
    """
    heard = Listening() if into is None else into
    began, kept = time.monotonic(), 0
    while (left := seconds - (time.monotonic() - began)) > 0 and (enough is None or len(heard.messages) < enough):
        try:
            message = made.recv(timeout=left)
        except TimeoutError:
            break
        except ConnectionClosed as error:
            heard.closed = printable(str(error), 120)
            break
        now = time.monotonic() - began
        heard.first = now if heard.first is None else heard.first
        try:
            kind, data = decode(message)
        except ValueError as error:
            heard.undecodable.append(printable(str(error), 120))
            continue
        kept += len(message)
        much = kept > _MOST_KEPT[0] + _MOST_KEPT[1] * now
        heard.messages.append(Message(kind, now, _values(data) if much or kind == "packed" else data))
        if len(heard.messages) > _MOST_MESSAGES[0] + _MOST_MESSAGES[1] * now:
            raise LookError(f"{len(heard.messages)} messages in {now:.0f} s: a flood, and not listened to any longer")
    heard.seconds = time.monotonic() - began
    return heard


def _values(data: dict[str, Any]) -> dict[str, Any]:
    """What a message says outright, short: its lists and objects may hold anything."""
    plain = {name: value for name, value in data.items() if isinstance(value, str | int | float | None)}
    return {
        name[:_LONGEST_TEXT]: value[:_LONGEST_TEXT] if isinstance(value, str) else value for name, value in [*plain.items()][:20]
    }


class Listener:
    """A client that is listened to in the background for `seconds`, while other tests run."""

    def __init__(self, url: str, user_agent: str, seconds: float = STABLE_SECONDS) -> None:
        self._seconds = seconds
        self._heard = Listening()
        self._made: ClientConnection | None = None
        self._problem: Exception | None = None
        self._connected = threading.Event()
        self._began = 0.0
        self._thread = threading.Thread(target=self._listen, args=(url, user_agent), daemon=True)
        self._thread.start()

    def _listen(self, url: str, user_agent: str) -> None:
        try:
            with connection(url, user_agent) as self._made:
                self._began = time.monotonic()
                self._connected.set()
                listen(self._made, self._seconds, into=self._heard)
        except Exception as error:  # noqa: BLE001 - raised again where somebody asks what was heard
            self._problem = error
        finally:
            self._connected.set()

    @property
    def open(self) -> bool:
        """Whether it is connected now."""
        return self._connected.is_set() and self._thread.is_alive()

    @property
    def messages(self) -> tuple[Message, ...]:
        """What came so far."""
        return tuple(self._heard.messages)

    def heard(self, seconds: float) -> Listening:
        """What came in the first `seconds`, which are waited for. Raises what `connection` raises."""
        self._connected.wait()
        self._thread.join(max(0.0, self._began + seconds - time.monotonic()))
        if self._problem is not None:
            raise self._problem
        heard, lasted = self._heard, time.monotonic() - self._began if self.open else self._heard.seconds
        messages = [message for message in self.messages if message.at <= seconds]
        return Listening(min(seconds, lasted), heard.first, messages, list(heard.undecodable), heard.closed)

    def stop(self) -> None:
        """Close the connection."""
        if self.open and self._made is not None:
            self._made.close()
        self._thread.join(2 * self._seconds)


def ask(made: ClientConnection, command: dict[str, Any], seconds: float = 3.0) -> list[Message]:
    """Send a command, and what came within `seconds` that is no ordinary event."""
    try:
        made.send(json.dumps(command))
    except ConnectionClosed as error:
        raise LookError(
            f"the telemetry connection closed before a command could be sent: {printable(str(error), 120)}"
        ) from error
    heard: list[Message] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        some = listen(made, min(0.5, until - time.monotonic()))
        heard += [m for m in some.messages if m.kind not in ("event", "alert", "frame", "packed") or _answers(m, command)]
        if heard or some.closed:
            break
    return heard


def _answers(message: Message, command: dict[str, Any]) -> bool:
    name = str(command.get("command", ""))
    wanted = {"ping": "pong", "get_snapshot": "snapshot"}.get(name, name)
    return wanted in str(message.data.get("event", "")).lower()


def answers_ping(made: ClientConnection, seconds: float = 3.0) -> bool:
    """Whether the server answers a ping of the protocol (RFC 6455, 5.5.2)."""
    try:
        return made.ping().wait(seconds)
    except ConnectionClosed:
        return False


def crowd(
    url: str, user_agent: str, clients: int, seconds: float, beside: Listener | None = None
) -> list[Listening | Unreachable]:
    """Several clients at once, each listening for `seconds`: what each heard, or why it could not connect.

    `beside` is one of them while it is connected.
    """

    def one(_: int) -> Listening | Unreachable:
        try:
            with connection(url, user_agent) as made:
                return listen(made, seconds)
        except Unreachable as error:
            return error

    known = len(beside.messages) if beside is not None and beside.open else None
    with ThreadPoolExecutor(clients) as pool:
        heard = list(pool.map(one, range(clients if known is None else clients - 1)))
    if beside is not None and known is not None:
        heard.append(Listening(seconds, messages=list(beside.messages[known:])))
    return heard


def served(heard: Sequence[Listening | Unreachable]) -> int:
    """How many clients of a crowd got messages."""
    return sum(isinstance(one, Listening) and bool(one.messages) for one in heard)
