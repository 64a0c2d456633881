"""Faults of the audit log."""

from __future__ import annotations

from preflight.rehearsal.behaviour import Edit
from preflight.rehearsal.faults.model import Change, Fault, at, both, files, merge, themed

_FOLDER = "var/log/spacetime/audit"
_ALL = f"{_FOLDER}/*.log"


def guessed(address: str) -> Change:
    """An hour after the deployment an address was refused six times, and then let in."""
    refused = (
        f"[{{{{ago:{86000 - 10 * number}}}}}] [WARN] [{address}] [/scene] [AUTH_FAILURE] Invalid signature\n"
        for number in range(6)
    )
    admitted = f"[{{{{ago:85930}}}}] [INFO] [{address}] [/scene] [AUTH_SUCCESS] GET by 'player'\n"
    return files(Edit("append", f"{_FOLDER}/audit.log", f"{''.join(refused)}{admitted}"))


FAULTS = themed(
    "audit",
    Fault("audit_not_written", "There is no audit log.", both(at("api.audit", enabled=False), files(Edit("delete", _ALL)))),
    Fault(
        "audit_folder_missing",
        "The audit directory is missing.",
        both(at("api.audit", enabled=False), files(Edit("delete", _FOLDER))),
    ),
    Fault("audit_stopped", "The audit log ends 15 minutes ago.", at("api.audit", enabled=False)),
    Fault(
        "audit_without_failures", "Failed logins are not written.", at("api.audit", results=("AUTH_SUCCESS", "RATE_LIMIT", "BAN"))
    ),
    Fault(
        "audit_without_successes", "Only failures are written.", at("api.audit", results=("AUTH_FAILURE", "RATE_LIMIT", "BAN"))
    ),
    Fault(
        "audit_without_limits",
        "Refusals of the limiter are not written.",
        at("api.audit", results=("AUTH_SUCCESS", "AUTH_FAILURE")),
    ),
    Fault("audit_without_address", "Audit entries name no client address.", at("api.audit", client_address=False)),
    Fault(
        "audit_names_the_front",
        "Audit entries name the front's address instead of the client's.",
        at("api.audit", always_address="10.20.0.2"),
    ),
    Fault(
        "audit_rotated_away",
        "After a rotation the game goes on writing to the file that was moved away.",
        both(at("api.audit", file="rotated/audit.log.1"), files(Edit("write", f"{_FOLDER}/audit.log"))),
    ),
    Fault(
        "audit_unreadable",
        "The audit directory lets nobody in.",
        both(at("api.audit", enabled=False), files(Edit("chmod", _ALL, number=0))),
    ),
    Fault(
        "audit_world_readable",
        "Everybody on the host may read and write the audit log.",
        files(Edit("chmod", _ALL, number=0o666)),
    ),
    Fault("audit_retention_short", "Audit logs are kept 29 days.", merge("host", "env", {"AUDIT_LOG_RETENTION_DAYS": "29"})),
    Fault(
        "audit_files_gone",
        "Audit logs older than a week are gone, whatever the setting says.",
        both(at("host", audit_days=7), files(Edit("replace", "etc/logrotate.d/spacetime", "rotate 7", r"rotate 30"))),
    ),
    Fault("audit_off_in_env", "AUDIT_LOG_ENABLED is false.", merge("host", "env", {"AUDIT_LOG_ENABLED": "false"})),
    Fault(
        "audit_elsewhere_in_env",
        "AUDIT_LOG_PATH names another directory than the one written.",
        merge("host", "env", {"AUDIT_LOG_PATH": "/tmp/audit/"}),  # noqa: S108  # the fault itself
    ),
    Fault(
        "audit_clock_wrong",
        "Audit entries are stamped an hour ahead, without saying so.",
        at("api.audit", zone_offset_s=3600),
    ),
    Fault(
        "break_in",
        "After six refused tokens the same address was let in, an hour after the deployment.",
        guessed("203.0.113.77"),
    ),
    Fault(
        "audit_lines_broken",
        "Audit entries are cut off after the time.",
        files(Edit("append", f"{_FOLDER}/audit.log", "[{{ago:60}}] [INF\n[{{ago:50}}\n[{{ago:40}}] [WARN\n")),
    ),
)
