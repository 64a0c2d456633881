"""The audit log says who asked for what, and forgets nothing.

Checklist lines 73, 80, 1201, 1277, 1346, 1552.
"""

from datetime import timedelta

from preflight.errors import LookError, Undecided
from preflight.fixtures import item
from preflight.outcome import Reason
from preflight.probes import accesslog, audit, logrotate, logs
from preflight.session import now

FIRST_HOURS = timedelta(hours=4)


def found_in_time(recorded, evidence):
    """The suite's own request stands in the log, soon enough."""
    evidence.request(recorded.answer)
    evidence.saw("files", recorded.files)
    evidence.saw("lines", recorded.entry is not None)
    request = f"GET /scene at {audit.moment(recorded.answer):%H:%M:%S} UTC, answered {recorded.answer.status_code}"

    assert recorded.entry is not None, (
        f"no entry for {request}, within {audit.WAIT_SECONDS:g} s ({recorded.new_lines} other line(s) were written)"
    )
    evidence.judge("audit_delay", recorded.delay, where=request)


@item("SEC-AUDIT-01")
def test_request_is_recorded_within_seconds(recorded, evidence):
    """The audit log records a request within seconds."""
    found_in_time(recorded, evidence)


@item("SEC-AUDIT-02")
def test_refused_request_is_recorded_too(recorded_refusal, evidence):
    """The audit log records refused requests, not only those that succeeded."""
    evidence.request(recorded_refusal.answer)
    evidence.saw("lines", recorded_refusal.entry is not None)
    status = recorded_refusal.answer.status_code

    assert recorded_refusal.entry is not None, f"no entry for GET /scene without a token, which was answered {status}"


@item("SEC-AUDIT-03")
def test_entry_names_who_what_and_when(recorded, recorded_refusal, host, target, evidence):
    """Each audit entry names time, level, client address, endpoint and result."""
    found = recorded if recorded.entry is not None else recorded_refusal
    evidence.request(found.answer)
    if found.entry is None:
        raise LookError("the audit log holds no entry of this run's requests, so that none can be judged (SEC-AUDIT-01)")
    evidence.saw("lines")
    wrong = audit.wrong(found, target)
    all_of_them = audit.incomplete(host, target, target.facts.times.deployed_at)
    evidence.fact("entries read", all_of_them.entries)

    assert not wrong, f"the entry for this run's own GET /scene: {', '.join(wrong)}"
    assert not all_of_them.broken, f"{all_of_them.broken} of {all_of_them.entries} entries: {all_of_them.example}"


@item("SEC-AUDIT-04")
def test_audit_logs_are_kept_for_thirty_days(environment, host, target, evidence):
    """Audit logs are rotated and thirty days of them are kept."""
    evidence.saw("settings", environment.count("AUDIT_LOG_RETENTION_DAYS") > 0)
    files = logs.audit_files(host, target)
    evidence.saw("files", len(files))
    facts = {path: found for path in files if (found := host.facts(path)) is not None}
    open_to_all = [path for path, found in facts.items() if found.mode & 0o002]
    days = environment.number("AUDIT_LOG_RETENTION_DAYS")

    assert days is not None, "AUDIT_LOG_RETENTION_DAYS is not set to a number"
    evidence.judge("audit_retention", days, where="AUDIT_LOG_RETENTION_DAYS")
    for rule in logrotate.rules_for(host, target.facts.paths.audit_log):
        evidence.saw("settings")
        evidence.judge("audit_retention", rule.days, where=rule.file)
    largest = max(facts, key=lambda path: facts[path].size)
    evidence.judge("audit_file_size", facts[largest].size / 1e6, where=largest)
    if open_to_all:
        evidence.warn(f"everybody may write to {open_to_all[0]}: whoever breaks in can take his traces out")


@item("SEC-AUDIT-05")
def test_audit_log_is_written_after_the_deployment(recorded, evidence):
    """After the deployment the audit log records requests."""
    found_in_time(recorded, evidence)


@item("SEC-AUDIT-06")
def test_audit_log_has_no_hole_since_the_deployment(recorded, host, target, evidence):
    """The audit log has no hole since the deployment."""
    since = target.facts.times.deployed_at
    no_hole(host, target, evidence, since=since, until=audit.moment(recorded.answer), asked=recorded)


@item("SEC-AUDIT-07")
def test_audit_log_was_written_all_through_the_first_hours(host, target, evidence):
    """The audit log was written all through the first four hours."""
    deployed = target.facts.times.deployed_at
    if deployed is not None and now() < deployed + FIRST_HOURS:
        raise Undecided(Reason.WINDOW, f"the first four hours end at {deployed + FIRST_HOURS:%Y-%m-%d %H:%M} UTC")
    no_hole(host, target, evidence, since=deployed, until=deployed + FIRST_HOURS if deployed else None)


def no_hole(host, target, evidence, *, since, until, asked=None):
    """No silence of ten minutes while requests came in: the front's access log, or the suite's own request, says so."""
    if since is None:
        raise Undecided(Reason.OPERATOR, "the target file does not say when the build was deployed: give [times] deployed_at")
    silence = audit.longest_silence(host, target, since, until)
    evidence.saw("lines", silence.entries)
    between = f"between {silence.start:%Y-%m-%d %H:%M} and {silence.end:%Y-%m-%d %H:%M} UTC"
    evidence.fact("longest silence", f"{silence.minutes:.1f} min {between}")
    missed = asked is not None and asked.entry is None and silence.end == until
    log = accesslog.path_of(host, target)
    if silence.minutes > audit.LONGEST_SILENCE_MINUTES and not missed:
        if log is None:
            raise Undecided(
                Reason.OPERATOR,
                f"the audit log is silent for {silence.minutes:.0f} min {between}; without the front's access log on the host "
                f"nobody can say whether requests came in then",
            )
        paths = accesslog.protected_paths(target)
        requests = accesslog.protected_requests(host, log, silence.start, silence.end, paths)
        evidence.fact("requests in that time", requests.count)
        if not requests.count and not requests.whole:
            raise Undecided(
                Reason.OPERATOR,
                f"the audit log is silent for {silence.minutes:.0f} min {between}; the access log does not reach back that far, "
                f"or has another format than nginx's combined",
            )
        if not requests.count:
            return
        between += f", while {requests.count} request(s) came in"
    evidence.judge("audit_silence", silence.minutes, where=between)
