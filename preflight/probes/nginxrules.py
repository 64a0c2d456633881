"""What the checklist wants of the front's site file, read off its directives."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Sequence

from preflight.errors import LookError
from preflight.probes import nginx
from preflight.probes.headers import HSTS_SECONDS

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}


def passed_on(site: nginx.Configuration) -> nginx.Block:
    """The location that passes `/` on to the game. Raises LookError when none passes anything on."""
    passing = [
        (name, block) for name, block in nginx.locations(nginx.with_tls(site)) if any(o.name == "proxy_pass" for o in block.own)
    ]
    if not passing:
        raise LookError("no location of the site file has a proxy_pass, so that what it passes on can't be judged")
    return next((block for name, block in passing if name == "/"), passing[0][1])


def upstream_port(site: nginx.Configuration) -> int | None:
    """The port of the game that the site passes requests on to, where one can be told."""
    target = re.match(r"https?://([^/;]+)", passed_on(site).value("proxy_pass") or "")
    if not target:
        return None
    upstream = site.upstream(target[1])
    servers = [one.args[0] for one in upstream.block if one.name == "server" and one.args] if upstream else [target[1]]
    numbers = {int(found[1]) for server in servers if (found := re.search(r":(\d+)$", server))}
    return numbers.pop() if len(numbers) == 1 else None


def kept_connections(site: nginx.Configuration) -> int:
    """How many idle connections to the game each worker keeps; 0 for none."""
    target = re.match(r"https?://([^/;]+)", passed_on(site).value("proxy_pass") or "")
    upstream = site.upstream(target[1]) if target else None
    keep = [one.args[0] for one in upstream.block if one.name == "keepalive" and one.args] if upstream else []
    return int(keep[-1]) if keep and keep[-1].isdigit() else 0


def seconds(text: str | None, default: float) -> float:
    """An nginx time (`60`, `60s`, `1m`, `1m 30s`, `500ms`) in seconds. Raises LookError for anything else."""
    if text is None:
        return default
    parts = re.findall(r"(\d+)\s*(ms|[smhd]?)", text)
    if not parts or re.sub(r"(\d+)\s*(ms|[smhd]?)\s*", "", text):
        raise LookError(f"{text!r} is no time that nginx would take")
    return float(sum(int(number) * _UNITS[unit] for number, unit in parts))


TOLD: dict[str, tuple[str | None, ...]] = {
    "Host": ("$host", "$http_host", "$server_name"),
    "X-Real-IP": ("$remote_addr", "$realip_remote_addr"),
    "X-Forwarded-For": ("$proxy_add_x_forwarded_for", "$remote_addr"),
    "X-Forwarded-Proto": ("$scheme", "https"),
    "Authorization": ("$http_authorization", None),
}
"""What the game is told of a request (checklist.md lines 315-319), the checklist's value first; None: not set, which
passes the client's own on. `$http_x_forwarded_for` is missing on purpose: it lets clients choose their address."""


def upgrades(site: nginx.Configuration, connection: str | None) -> bool:
    """Whether a value of the Connection header lets an upgrade through: "upgrade", or a map of $http_upgrade to it."""
    if connection is None or not connection.startswith("$"):
        return (connection or "").lower() == "upgrade"
    maps = [one for one in site.http if one.name == "map" and one.args == ("$http_upgrade", connection)]
    # the map may stand in a file of http that the site file does not include: then the name alone speaks
    return any("upgrade" in (entry.name, *entry.args) for one in maps for entry in one.block) or (
        not maps and connection == "$connection_upgrade"
    )


def only_redirects(server: nginx.Block) -> bool:
    """Whether a server does nothing but redirect to HTTPS; a location for certificate renewal (ACME) is fine.

    A `return` of the server itself comes before every location; what stands in its `if` blocks comes before that.
    """
    places = nginx.locations(server)
    answers = [one for _, block in (("", server), *places) for one in _answers(block.own)]
    if not any(word.startswith("https://") for one in answers for word in one.args):
        return False
    if any(one.name == "return" for one in server.own):
        return True
    returning = {name for name, block in places if any(one.name == "return" for one in block.own)}
    serving = [name for name, _ in places if "/.well-known/acme-challenge" not in name and name not in returning]
    reached = () if "/" in returning else ("root",)  # a root beside a location for everything is never read from
    return not serving and not any(one.name in ("proxy_pass", *reached) for one in server.own)


def _answers(directives: Sequence[nginx.Directive]) -> Iterator[nginx.Directive]:
    for one in directives:
        if one.name in ("return", "rewrite"):
            yield one
        elif one.name == "if":
            yield from _answers(one.block)


def on_host(path: str) -> str:
    """A path of a directive as nginx takes it: relative ones start at /etc/nginx."""
    return path if path.startswith("/") else f"/etc/nginx/{path}"


def wrong_hsts(directive: nginx.Directive) -> str:
    """What is wrong with an `add_header Strict-Transport-Security`, as a phrase."""
    value = directive.args[1] if len(directive.args) > 1 else ""
    age = re.search(r"(?i)max-age\s*=\s*\"?(\d+)", value)
    if not age or int(age[1]) < HSTS_SECONDS:
        return f"HSTS lasts {age[1] if age else 'no'} s instead of {HSTS_SECONDS}"
    if "includesubdomains" not in value.lower():
        return "HSTS leaves subdomains out"
    return "" if "always" in directive.args[2:] else "HSTS is added without `always`, so not to errors"


def added(block: nginx.Block, header: str) -> list[nginx.Directive]:
    """`add_header` directives for a header that are in force in a block."""
    return block.all("add_header", header)


def sent_on(block: nginx.Block, header: str) -> str | None:
    """What `proxy_set_header` sends on for a header; None where nothing is set."""
    found = block.all("proxy_set_header", header)
    return " ".join(found[-1].args[1:]) if found else None


def weak_ciphers(expression: str) -> list[str]:
    """Ciphers of an OpenSSL expression without authentication or encryption, or with RC4, DES, 3DES, MD5 or export keys.

    What this machine's OpenSSL no longer has may still be in the front's: the words themselves are looked at as well.
    Raises LookError when this machine's OpenSSL does not understand an expression whose words name nothing weak.
    """
    asked = _weak_words(expression)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.set_ciphers(f"{expression}:@SECLEVEL=0")
    except ssl.SSLError as error:
        if asked:
            return asked
        raise LookError(f"ssl_ciphers {expression[:60]!r} is not understood by OpenSSL ({error})") from error
    weak = re.compile(r"NULL|ADH|AECDH|ANON|RC4|DES-CBC|3DES|MD5|EXP|SEED|IDEA")
    found = [name for name in (str(cipher["name"]) for cipher in context.get_ciphers()) if weak.search(name)]
    return found + [word for word in asked if word not in found]


def _weak_words(expression: str) -> list[str]:
    """The words of an OpenSSL expression that ask for something weak, less what `!` and `-` words take away again."""
    asked: list[str] = []
    taken: list[str] = []
    for word in re.split(r"[:;, ]+", expression.upper()):
        if word.startswith("!"):
            taken.append(word[1:])
        elif word.startswith("-"):
            asked = [one for one in asked if not _takes(word[1:], one)]
        elif word and word[0] not in "+@" and _weaknesses(word):
            asked.append(word)
    return [one for one in asked if not any(_takes(word, one) for word in taken)]


def _weaknesses(word: str) -> set[str]:
    """What is weak about a cipher or a group of them: `EXP-RC4-MD5` has three reasons, `DES-CBC3-SHA` is 3DES and no DES."""
    parts = {"EXP" if part.startswith("EXP") else part for part in re.split(r"[-+_]", word)}
    if "CBC3" in parts:
        parts = parts - {"DES"} | {"3DES"}
    return parts & {"LOW", "EXP", "RC4", "DES", "3DES", "MD5", "NULL", "ENULL", "ANULL", "ADH", "AECDH"}


def _takes(away: str, word: str) -> bool:
    """Whether a word after `!` or `-` takes another one away: it is the same, or the group of one of its weaknesses."""
    if away == word:
        return True
    # a name that ends in SHA is of SHA-1; a group that is narrowed by + takes only part of another one
    groups = _weaknesses(word) | ({"SHA", "SHA1"} if word.endswith("-SHA") else set())
    groups |= {"EXPORT"} if "EXP" in groups else set()
    groups |= {"NULL", "ENULL"} if {"NULL", "ENULL"} & groups else set()
    groups |= {"ANULL"} if {"ADH", "AECDH"} & groups else set()
    return away in groups
