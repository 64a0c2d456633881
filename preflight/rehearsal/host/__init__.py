"""The host directory: every file that the checklist names, below a root of its own."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from preflight.rehearsal.behaviour import Deployment
from preflight.rehearsal.certificates import CertificateFiles
from preflight.rehearsal.host import backups, dashboards, edits, records, repository, settings
from preflight.rehearsal.runtime import RuntimeSecrets

_FILES = Path(__file__).parent / "files"
_WEB = Path(__file__).parents[1] / "web"
_EXECUTABLE = (".sh",)
_LIVE = "etc/letsencrypt/live/api.spacetime.production.com"


def write_host(
    root: Path, deployment: Deployment, secrets: RuntimeSecrets, certificates: CertificateFiles, *, now: float
) -> None:
    """Write the whole host below `root`, then make the deployment's edits. `now`: seconds since the epoch."""
    host = deployment.host
    _write_static(root, host.version, now)
    _write_settings(root, deployment, secrets)
    _write_certificates(root, certificates)
    records.write_logs(root, deployment.api.audit, host.version, days=host.audit_days, now=now)
    records.write_test_results(root, host.version, now=now)
    backups.write_backups(root, host, secrets.previous_secret, now=now)
    repository.write_repository(root / "opt/godot", now=now)
    for edit in host.edits:
        edits.apply(root, edit, secrets, now=now)


def _write_static(root: Path, version: str, now: float) -> None:
    words = {
        "@@VERSION@@": version,
        "@@DEPLOYED_DATE@@": time.strftime("%Y-%m-%d", time.gmtime(now - 25 * 3600)),
        "@@PREVIOUS_DATE@@": time.strftime("%Y-%m-%d", time.gmtime(now - 40 * 86400)),
        "@@SMTP_PASSWORD@@": "vQ7-rTz2-Lk9w-Xe4m",
        "@@PAGER_KEY@@": "5f0c3f6a9be84d21a7c2e19d40b86f73",
    }
    for source in sorted(path for path in _FILES.rglob("*") if path.is_file()):
        target = root / source.relative_to(_FILES)
        target = target.with_name(target.name.replace("dot-", "."))
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8")
        for word, value in words.items():
            text = text.replace(word, value)
        target.write_text(text, encoding="utf-8")
        if target.suffix in _EXECUTABLE:
            target.chmod(0o755)
    for private in ("opt/alertmanager/alertmanager.yml", "var/spool/cron/crontabs/root"):
        (root / private).chmod(0o600)
    enabled = root / "etc/nginx/sites-enabled"
    enabled.mkdir(parents=True, exist_ok=True)
    # Relative, so that it holds wherever the root lies.
    (enabled / "spacetime-api").symlink_to("../sites-available/spacetime-api")
    (root / "opt/godot/VERSION").write_text(f"{version}\n", encoding="utf-8")
    shutil.copytree(_WEB, root / "opt/godot/web", dirs_exist_ok=True)


def _write_settings(root: Path, deployment: Deployment, secrets: RuntimeSecrets) -> None:
    _private(root / "opt/godot/.env.production", settings.env_text(deployment.host, secrets))
    development = f"ENVIRONMENT=development\nJWT_SECRET_KEY={secrets.development_secret}\nDEBUG_MODE=true\n"
    _private(root / "opt/godot/.env.development", development)
    _private(root / "opt/prometheus/api_token", secrets.token)
    for path in settings.GDSCRIPT:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(settings.gdscript_text(path, deployment.host), encoding="utf-8")
    folder = root / "opt/godot/monitoring/grafana/dashboards"
    folder.mkdir(parents=True, exist_ok=True)
    for uid in dashboards.DASHBOARDS:
        (folder / f"{uid}.json").write_text(dashboards.dashboard_text(uid), encoding="utf-8")


def _write_certificates(root: Path, certificates: CertificateFiles) -> None:
    live = root / _LIVE
    live.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(certificates.chain, live / "fullchain.pem")
    shutil.copyfile(certificates.key, live / "privkey.pem")
    (live / "privkey.pem").chmod(0o600)


def _private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
