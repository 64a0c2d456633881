"""The front's configuration, parsed by crossplane, with its includes followed on the host.

What is in force at a place follows nginx's rules: a directive is inherited from the block around it; directives that
may stand several times (`add_header`, `proxy_set_header`) are inherited only where the block has none of its own.
"""

from __future__ import annotations

import fnmatch
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from preflight.errors import LookError
from preflight.probes.host import Host, read

_MOST_FILES = 60


@dataclass(frozen=True)
class Directive:
    """One directive with its arguments, its block and where it stands."""

    name: str
    args: tuple[str, ...]
    file: str
    line: int
    block: tuple[Directive, ...] = ()

    @property
    def place(self) -> str:
        """File and line, for people."""
        return f"{self.file.rpartition('/')[2]} line {self.line}"


@dataclass(frozen=True)
class Block:
    """A block with the blocks around it, the innermost last."""

    path: tuple[tuple[Directive, ...], ...]

    @property
    def own(self) -> tuple[Directive, ...]:
        """The directives that stand in the block itself."""
        return self.path[-1]

    def all(self, name: str, first: str | None = None) -> list[Directive]:
        """The directives of that name in force here; `first` asks for a first argument, in any letter case."""
        for level in reversed(self.path):
            found = [one for one in level if one.name == name]
            if found:
                wanted = first.lower() if first is not None else None
                return [one for one in found if wanted is None or (one.args and one.args[0].lower() == wanted)]
        return []

    def value(self, name: str) -> str | None:
        """The arguments of a directive that stands once, joined by spaces; None where it is not set."""
        found = self.all(name)
        return " ".join(found[-1].args) if found else None

    def inside(self, directive: Directive) -> Block:
        """The block of a directive that stands here."""
        return Block((*self.path, directive.block))


@dataclass
class Configuration:
    """What was read: the `http` block with all that is included, the files, and what nginx would refuse.

    `included`: the directives of each file, which may be included at several places.
    """

    http: tuple[Directive, ...] = ()
    files: dict[str, bytes] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    included: dict[str, tuple[Directive, ...]] = field(default_factory=dict)

    def servers(self) -> list[Block]:
        """Every `server` block."""
        return [Block((self.http, one.block)) for one in self.http if one.name == "server"]

    def upstream(self, name: str) -> Directive | None:
        """The `upstream` block of that name."""
        return next((one for one in self.http if one.name == "upstream" and one.args == (name,)), None)


def read_site(host: Host, site: str) -> Configuration:
    """The site file with what it includes, as part of the `http` block that includes it; without other servers.

    Raises LookError when it is missing or unreadable.
    """
    if host.facts(site) is None:
        raise LookError(f"{site} is missing, so that none of its directives can be judged")
    made = Configuration()
    made.http = (*_around(host, site), *_load(host, site, made, check_context=False))
    return made


def _around(host: Host, site: str) -> tuple[Directive, ...]:
    """What nginx.conf says for every server, where it includes the site file."""
    try:
        main, content = read_main(host, site), read(host, site)
    except LookError:
        return ()  # whether the site is in use is judged by its own item
    same = {path for path, data in main.files.items() if path == site or data == content}
    return tuple(one for one in main.http if one.name != "server" and one.file not in same) if same else ()


def read_main(host: Host, site: str) -> Configuration:
    """nginx.conf of the folder that `site` belongs to, with all that it includes. Raises LookError when there is none."""
    folder = site
    while "/" in folder.strip("/"):
        folder = folder.rpartition("/")[0]
        if host.facts(f"{folder}/nginx.conf") is not None:
            made = Configuration()
            top = _load(host, f"{folder}/nginx.conf", made, check_context=True)
            made.http = tuple(one for block in top if block.name == "http" for one in block.block)
            return made
    raise LookError(f"no nginx.conf in the folders above {site}")


def _load(host: Host, path: str, made: Configuration, *, check_context: bool, depth: int = 8) -> tuple[Directive, ...]:
    made.files[path] = read(host, path)
    made.included[path] = ()  # a file that includes itself brings nothing more
    entries, errors = _parsed(made.files[path], check_context=check_context)
    made.errors += [f"{path}: {error}" for error in errors]
    made.included[path] = _convert(entries, path, host, made, depth)
    return made.included[path]


@lru_cache(maxsize=_MOST_FILES)
def _parsed(content: bytes, *, check_context: bool) -> tuple[Sequence[dict[str, Any]], Sequence[str]]:
    """The directives of a file as crossplane gives them, and what nginx would refuse of it."""
    import crossplane

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "nginx.conf"
        copy.write_bytes(content)
        # modules may bring directives that crossplane does not know: unknown ones are no errors (strict stays off)
        parsed = crossplane.parse(str(copy), single=True, check_ctx=check_context, comments=False)
        errors = [f'no ";" before line {line}' for line in _unfinished(copy)]
        errors += [str(error["error"]).replace(f" in {copy}", "").replace(str(copy), copy.name) for error in parsed["errors"]]
    return parsed["config"][0]["parsed"], errors


def _unfinished(file: Path) -> list[int]:
    """Lines that begin with the name of a directive in the middle of another one: its `;` was forgotten."""
    from crossplane.analyzer import DIRECTIVES
    from crossplane.errors import NgxParserSyntaxError
    from crossplane.lexer import lex

    found, within, last = [], False, 0
    try:
        for token, line, quoted in lex(str(file)):
            if not quoted and token in (";", "{", "}"):
                within = False
            elif not token.startswith("#") or quoted:
                # blocks such as `map` and `types` hold words of their own, each finished by a `;`
                if within and line > last and not quoted and token in DIRECTIVES:
                    found.append(line)
                within, last = True, line
    except NgxParserSyntaxError:
        return []  # the parser says more of it
    return found


def _convert(entries: Sequence[dict[str, Any]], path: str, host: Host, made: Configuration, depth: int) -> tuple[Directive, ...]:
    found: list[Directive] = []
    for entry in entries:
        args = tuple(map(str, entry["args"]))
        if entry["directive"] == "include" and args and depth > 0:
            for included in _matching(host, args[0], _root_of(path)):
                if included in made.included:
                    found += made.included[included]
                elif len(made.files) < _MOST_FILES:
                    found += _load(host, included, made, check_context=False, depth=depth - 1)
            continue
        block = _convert(entry.get("block") or (), path, host, made, depth)
        found.append(Directive(str(entry["directive"]), args, path, int(entry["line"]), block))
    return tuple(found)


def _root_of(path: str) -> str:
    """The folder that relative includes start from: the one of nginx.conf, or above sites-*/ and conf.d/."""
    folder = path.rpartition("/")[0]
    return folder.rpartition("/")[0] if re.search(r"/(?:sites-\w+|conf\.d|snippets|vhosts\.d)$", folder) else folder


def _matching(host: Host, pattern: str, root: str) -> Iterator[str]:
    path = pattern if pattern.startswith("/") else f"{root}/{pattern}"
    folder, _, name = path.rpartition("/")
    if not re.search(r"[*?\[]", path):
        if host.facts(path) is not None:
            yield path
        return
    if host.facts(folder) is None:
        return
    for entry in host.listing(folder):
        if fnmatch.fnmatchcase(entry, name) and not (entry.startswith(".") and not name.startswith(".")):
            facts = host.facts(f"{folder}/{entry}")
            if facts is not None and not facts.is_folder:
                yield f"{folder}/{entry}"


def ports(server: Block) -> dict[int, bool]:
    """The ports a server listens on, each with whether it speaks TLS there; without `listen` it is 80."""
    found: dict[int, bool] = {}
    ssl_on = server.value("ssl") == "on"
    for listen in [one for one in server.own if one.name == "listen"]:
        if listen.args and not listen.args[0].startswith("unix:"):
            last = re.sub(r"^\[[^\]]*\]", "", listen.args[0]).rpartition(":")[2]
            port = int(last) if last.isdigit() else 80
            found[port] = found.get(port, False) or ssl_on or "ssl" in listen.args or "quic" in listen.args
    return found or {80: ssl_on}


def with_tls(site: Configuration) -> Block:
    """The server that the site answers HTTPS with, of several the one that passes requests on.

    Raises LookError when there is none.
    """
    found = [server for server in site.servers() if any(ports(server).values())]
    if not found:
        raise LookError("no server of the site file listens for TLS, so that its directives can't be judged")
    return next((server for server in found if any(inner.value("proxy_pass") for _, inner in locations(server))), found[0])


def locations(server: Block) -> list[tuple[str, Block]]:
    """Every location of a server, nested ones too, by its arguments."""
    found = []
    for one in server.own:
        if one.name == "location":
            inner = server.inside(one)
            found += [(" ".join(one.args), inner), *locations(inner)]
    return found


def is_enabled(host: Host, site: str) -> bool:
    """Whether nginx.conf includes the site file, under its own name or a link's (which is told by its content).

    Raises LookError when there is no nginx.conf.
    """
    main, content = read_main(host, site), read(host, site)
    return any(path == site or data == content for path, data in main.files.items())
