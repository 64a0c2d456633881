"""`nginx -t`: on the deployment's host, or where that is a folder of this machine by this machine's nginx on a copy."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

from preflight import programs
from preflight.errors import LookError, Undecided
from preflight.outcome import Reason
from preflight.probes.host import COMMAND_SECONDS, Host, LocalHost, Ran
from preflight.probes.nginx import Configuration
from preflight.redact import printable

_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_ANOTHER_BUILD = r"(?i)unknown directive|dlopen\(\)|not binary compatible|getpwnam"
"""What says that this machine's nginx lacks something that the deployment's may have."""


def on_host(host: Host) -> Ran:
    """`nginx -t` on the host. Raises Undecided when nginx is not there, or the suite may not read what nginx reads."""
    said = host.run("nginx-test")
    if said.status != 0 and re.search(r"(?i)permission denied", said.output):
        raise Undecided(Reason.OPERATOR, f"nginx -t may not read its files as this user on {host.name}: run `sudo nginx -t`")
    return said


def on_copy(main: Configuration, host: LocalHost) -> Ran:
    """`nginx -t` of this machine on a copy of what was read, whose paths lead into the host's folder.

    Ports below 1024 become others and logs are left out: neither is what is tested. Raises Undecided without nginx, or
    where this machine's nginx is of another build.
    """
    nginx = programs.find("nginx")
    if nginx is None:
        raise Undecided(
            Reason.PROGRAM, f"the host is a folder, and nginx is not on this machine; get it by `{programs.HOW_TO_GET}`"
        )
    with tempfile.TemporaryDirectory(prefix="preflight-nginx-") as place:
        folder = Path(place)
        for path, content in main.files.items():
            copy = folder / path.lstrip("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(_moved(content.decode("utf-8", "replace"), folder, host), "utf-8")
        first = folder / next(iter(main.files)).lstrip("/")
        options = ["-p", str(first.parent), "-c", str(first), "-e", str(folder / "error.log"), "-g", f"pid {folder}/nginx.pid;"]
        try:
            done = subprocess.run(
                [str(nginx), "-t", *options], capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LookError(f"nginx -t on a copy of the configuration: {error}") from error
        said = Ran(done.returncode, (done.stdout + done.stderr).replace(place, "").replace(str(host.real("/")).rstrip("/"), ""))
    if said.status != 0 and re.search(_ANOTHER_BUILD, said.output):
        raise Undecided(Reason.OPERATOR, f"this machine's nginx lacks what the deployment's has: {complaint(said)}")
    return said


def _moved(text: str, folder: Path, host: LocalHost) -> str:
    text = re.sub(r"(?m)^(\s*include\s+)/", rf"\g<1>{folder}/", text)
    text = re.sub(r"(?m)^(\s*ssl_\w*(?:certificate(?:_key)?|dhparam)\s+)(/[^;\s]+)", lambda m: f"{m[1]}{host.real(m[2])}", text)
    text = re.sub(r"(?m)^(\s*listen\s+(?:\S*:)?)(\d{1,3})(?=[\s;])", lambda m: f"{m[1]}{int(m[2]) + 10_000}", text)
    text = re.sub(r"(?m)^\s*(?:access_log|error_log|pid)\s[^;]*;|^user\s[^;]*;", "", text)
    missing = [name for name in _TEMPORARY if f"{name}_temp_path" not in text]
    own = " ".join(f"{name}_temp_path {folder}/{name};" for name in missing)
    user = "user root; " if hasattr(os, "geteuid") and os.geteuid() == 0 else ""
    return re.sub(r"(?m)^http\s*\{", lambda _: f"{user}http {{ access_log off; {own}", text, count=1)


def complaint(said: Ran) -> str:
    """The line of `nginx -t` that says what is wrong."""
    lines = [line for line in said.output.splitlines() if "[emerg]" in line] or said.output.splitlines()
    return printable(lines[0] if lines else "nothing", 200)
