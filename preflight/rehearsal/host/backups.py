"""The backup directory: a month of nightly archives, copies of the configuration, and the previous release."""

from __future__ import annotations

import gzip
import io
import os
import re
import tarfile
import time
from pathlib import Path

from preflight.rehearsal.behaviour import Host

DAY = 86400
DEPLOYED_AGO_S = 25 * 3600
"""How long ago the rehearsal was deployed (s)."""
PREVIOUS = "2.4.3-production"


def write_backups(root: Path, host: Host, earlier_secret: str, *, now: float) -> None:
    """Archives of 02:00 each night; the newest one is `host.newest_backup_days_ago` nights older than last night's.

    `earlier_secret`: the JWT secret that nights before the deployment knew.
    """
    folder = root / "backup/spacetime"
    folder.mkdir(parents=True, exist_ok=True)
    last_night = now - (now - 2 * 3600) % DAY
    # Everything small that is needed to start again; archives of older nights hold the same.
    project = root / "opt/godot"
    kept = [path for path in _project(project) if path.name not in host.backup_leaves_out]
    godot = pack({f"godot/{path.relative_to(project)}": path.read_bytes() for path in kept}, last_night)
    logs = sorted(path for path in (root / "var/log/spacetime/audit").iterdir() if path.is_file())
    audit = pack({f"audit/{path.name}": path.read_bytes() for path in logs}, last_night)
    env = (root / "opt/godot/.env.production").read_bytes()
    done = []
    for night in reversed(range(host.newest_backup_days_ago, host.backup_days)):
        then = last_night - night * DAY
        date = time.strftime("%Y%m%d-%H%M%S", time.gmtime(then))
        known = env
        if then < now - DEPLOYED_AGO_S:
            known = re.sub(rb"(?m)^(JWT_SECRET_KEY=)[^\r\n]*", rb"\g<1>" + earlier_secret.encode(), env)
        for name, content in (("godot-{}.tar.gz", godot), ("audit-{}.tar.gz", audit), ("env-{}.backup", known)):
            path = folder / name.format(date)
            path.write_bytes(content)
            path.chmod(0o600)
            os.utime(path, (then + 9, then + 9))
        done.append(f"Backup completed: {date}")
    log = root / "var/log/spacetime/backup.log"
    log.write_text("\n".join(done) + "\n", encoding="utf-8")
    _write_previous(root, env)


def pack(files: dict[str, bytes], modified: float) -> bytes:
    """A tar.gz of `files`, the same bytes for the same input."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(content), int(modified)
            entry.mode = 0o755 if name.endswith(".sh") else 0o600 if ".env" in name else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)


def _project(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and ".git" not in p.relative_to(folder).parts)


def _write_previous(root: Path, env: bytes) -> None:
    """The release before this one, as `rollback.sh --quick` restores it."""
    folder = root / "backup/spacetime/releases"
    folder.mkdir(parents=True, exist_ok=True)
    project = (root / "opt/godot/project.godot").read_text(encoding="utf-8")
    version = (root / "opt/godot/VERSION").read_text(encoding="utf-8").strip()
    files = {
        "godot/VERSION": f"{PREVIOUS}\n".encode(),
        "godot/project.godot": project.replace(version, PREVIOUS).encode(),
        "godot/.env.production": env,
    }
    path = folder / "previous.tar.gz"
    path.write_bytes(pack(files, 0))
    path.chmod(0o600)
