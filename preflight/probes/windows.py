"""Figures of the game over a window of time, from Prometheus by range queries: errors, latency, memory, CPU, logins, frames."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from preflight.errors import LookError, Undecided
from preflight.measure.windows import LEAST
from preflight.outcome import Reason
from preflight.probes.lines import Figure, Line, Quantile, means
from preflight.probes.promanswers import Series
from preflight.probes.scraped import BUCKETS, Scraped
from preflight.probes.spans import clock

_MB = 1_048_576
_HEALTH_CHECKS = 'endpoint=~"/health(/quick)?"'
_STARTED_S = 900.0
"""Within so many seconds after the deployment the process that is deployed starts: no restart."""
_LEAST_PLAYED = 10
"""Moments with somebody in VR under which a frame rate says nothing: the least evidence of the items."""


class View(Scraped):
    """The figures of one window of one job."""

    def error_rate(self) -> Figure:
        """Answers with 5xx, in percent of all."""
        every, failed = self._answers()
        total = float(every.values.sum())
        if total <= 0:
            raise Undecided(Reason.SAMPLES, "nobody asked anything in that window: there is no share of failures")
        return Figure(100 * float(failed.sum()) / total, every.times.size, scrapes=self.complete("http_requests_total").scrapes)

    def _answers(self) -> tuple[Line, np.ndarray]:
        """Answers per second, and those with 5xx. Raises LookError where answers do not say their status: none would fail."""
        unsaid = f'http_requests_total{{job="{self._job}",status!~"[1-5].."}}'
        if self._client.had(unsaid, "5m"):
            raise LookError(f"http_requests_total of the job {self._job} has series without a status, so failures can't be told")
        every = self._rates("http_requests_total")
        return every, self._aligned(every, self._rates("http_requests_total", 'status=~"5.."', empty=True))

    def worst_error_rate(self, seconds: float) -> Figure:
        """The highest share of failures (%) in `seconds` on end."""
        every, broken = self._answers()
        failed = Line(every.times, broken)
        self.complete("http_requests_total")
        asked = means(every, seconds)
        share = np.divide(means(failed, seconds), asked, out=np.zeros_like(asked), where=asked > 0)
        return Figure(100 * float(share.max()), every.times.size)

    def request_rate(self) -> Line:
        """Requests per second."""
        self.complete("http_requests_total")
        return self._rates("http_requests_total")

    def p95(self) -> Figure:
        """The latency that 95 of 100 requests keep, in ms, as far as the histogram's edges tell it."""
        scrapes = self.complete(BUCKETS).scrapes
        return _latency(self._buckets.quantile(0.95), self._buckets.times.size, scrapes)

    def worst_p95(self, seconds: float) -> Figure:
        """The highest P95 (ms) in `seconds` on end."""
        self.complete(BUCKETS)
        return _latency(self._buckets.worst(0.95, seconds), self._buckets.times.size)

    def p95_rise(self, seconds: float) -> tuple[float, float]:
        """By how much P95 (ms) of the last `seconds` is above that of the first ones, at least and at most."""
        times = self._buckets.times
        first, last = (self._buckets.quantile(0.95, part) for part in (times < self.start + seconds, times >= self.end - seconds))
        if math.isnan(first.value) or math.isnan(last.value):
            raise Undecided(Reason.SAMPLES, "nobody asked anything at the beginning or the end of that window")
        return 1000 * (last.low - first.high), 1000 * (last.high - first.low)

    def p95_line(self, seconds: float) -> Line:
        """P95 (ms) of each `seconds`, one after the other, interpolated between the histogram's edges."""
        self.complete(BUCKETS)
        line = self._buckets.pieces(0.95, seconds)
        return Line(line.times, 1000 * line.values)

    def memory(self) -> Line:
        """Resident memory of the game, in MB."""
        self.complete("process_resident_memory_bytes")
        line = self._gauge("process_resident_memory_bytes")
        return Line(line.times, line.values / _MB)

    def host_memory(self) -> float | None:
        """MB of memory of the host that the game runs on, the smallest of several; None where no node_exporter tells."""
        own = self._of_the_game(self._client.query("max by (instance) (node_memory_MemTotal_bytes)"))
        return min((one.values[0] for one in own), default=0.0) / _MB or None

    def frame_rate(self) -> Figure:
        """Frames per second of the headset, on average, while somebody is in VR; at any time where the build does not tell that."""
        sessions = f'vr_active_sessions{{job="{self._job}"}}'
        told = self._line(f"max({sessions})", "vr_active_sessions", empty=True)
        if not told.times.size:
            scrapes, frames = self.complete("vr_fps").scrapes, self._gauge("vr_fps", "min")
            return Figure(float(frames.values.mean()), frames.times.size, scrapes=scrapes, line=frames)
        scrapes = self.complete("vr_active_sessions").scrapes
        played = int((told.values > 0).sum())
        if played < _LEAST_PLAYED:
            raise Undecided(Reason.SAMPLES, f"somebody was in VR at {played} of {told.times.size} moments: play, then look again")
        # without a session the gauge stands at zero, or where the last one left it
        asked = f'min(vr_fps{{job="{self._job}"}} and on (instance) ({sessions} > 0))'
        frames = self._line(asked, "vr_fps", empty=True)
        if not frames.times.size:
            self._absent("vr_fps")
        if frames.times.size < LEAST * played:
            raise LookError(f"vr_fps is there for {frames.times.size} of {played} moments with somebody in VR")
        facts = {"somebody in VR": f"at {played} of {told.times.size} moments"}
        return Figure(float(frames.values.mean()), told.times.size, scrapes=scrapes, facts=facts, line=frames)

    def cpu(self) -> Figure:
        """CPU in percent of all cores of the hosts that the game runs on. Raises Undecided where they can't be told."""
        cores = self._cores()
        line = self._rates("process_cpu_seconds_total")
        share = Line(line.times, 100 * line.values / cores)
        facts = {"cores": f"{cores:g}", "busiest five minutes": f"{share.highest_mean(300):.1f} %"}
        scrapes = self.complete("process_cpu_seconds_total").scrapes
        return Figure(float(share.values.mean()), line.times.size, scrapes=scrapes, facts=facts, line=share)

    def _cores(self) -> float:
        found = self._client.query("count by (instance) (count by (instance, cpu) (node_cpu_seconds_total))")
        own = {one.host: one.values[0] for one in self._of_the_game(found)}
        if own:
            return sum(own.values())
        counts = {one.values[0] for one in found if one.values}
        if len(counts) == 1:
            return counts.pop()
        hosts = " or ".join(sorted(self._hosts)) or "no host of it is known"
        why = "Prometheus has no node_cpu_seconds_total" if not counts else "hosts differ in it, and none is called as the game's"
        raise Undecided(
            Reason.OPERATOR, f"how many cores does the game have? {why} ({hosts}): scrape node_exporter there by that name"
        )

    def logins(self) -> Figure:
        """Tokens that were taken, in percent of all that were presented."""
        every = self._rates("auth_attempts_total", 'result!="missing_token"')
        taken = self._aligned(every, self._rates("auth_attempts_total", 'result="success"', empty=True))
        total = float(every.values.sum())
        if total <= 0:
            raise Undecided(Reason.SAMPLES, "nobody presented a token in that window: there is no share of successes")
        self.complete("auth_attempts_total")
        return Figure(100 * float(taken.sum()) / total, every.times.size)

    def failed_logins(self) -> Figure:
        """Tokens refused, per minute, in the worst five minutes."""
        every = self._rates("auth_attempts_total", 'result!="missing_token"')
        refused = self._rates("auth_attempts_total", 'result!~"missing_token|success"', empty=True)
        self.complete("auth_attempts_total")
        worst = Line(every.times, self._aligned(every, refused)).highest_mean(300)
        return Figure(60 * worst, every.times.size)

    def uptime(self) -> Figure:
        """Scrapes that found the API up, in percent of all that were made."""
        whole = self.complete()
        down = [moment for moment, state in zip(*self._up, strict=True) if state < 0.5]
        return Figure(100 * whole.uptime, whole.scrapes, scrapes=whole.scrapes, where=_first(down, "down"))

    def healthy(self) -> Figure:
        """Moments at which the API was up and no health check failed, in percent. Raises Undecided where nobody checked."""
        whole = self.complete()
        checked = self._rates("http_requests_total", _HEALTH_CHECKS, empty=True)
        if not checked.values.any():
            raise Undecided(Reason.SAMPLES, "no health check is counted in that window: let something ask /health regularly")
        sick = self._rates("http_requests_total", f'{_HEALTH_CHECKS},status=~"5.."', empty=True)
        bad = [moment for moment, state in zip(*self._up, strict=True) if state < 0.5]
        bad += [float(moment) for moment, value in zip(sick.times, sick.values, strict=True) if value > 0]
        hit = {int((moment - self.start) // self.step) for moment in bad}
        moments = max(1, int(self.seconds // self.step))
        return Figure(100 * (1 - len(hit) / moments), moments, scrapes=whole.scrapes, where=_first(bad, "not healthy"))

    def restarts(self) -> Figure:
        """How often the process was started anew in a window that begins with the deployment, and when.

        The deployment's own start is none: the first one within a quarter of an hour, of a process that was older.
        """
        whole = self.complete()
        found = [after for _, after in self._starts if self.start < after <= self.end]
        own = [after for before, after in self._starts if before < self.start - _STARTED_S and after <= self.start + _STARTED_S]
        found = [moment for moment in found if moment not in own[:1]]
        return Figure(len(found), len(self._up[0]), scrapes=whole.scrapes, where=_first(found, "restarted"))

    def stable_for(self) -> Figure:
        """Hours at the end of the window without an outage or a restart."""
        whole = self.complete()
        down = [moment for moment, state in zip(*self._up, strict=True) if state < 0.5]
        last = max([self.start, *down, *(after for _, after in self._starts if after <= self.end)])
        return Figure((self.end - last) / 3600, len(self._up[0]), scrapes=whole.scrapes, where=_first([last], "since"))

    def disk(self) -> Line:
        """The fullest file system that can be written to, in percent; of the game's hosts where they can be told."""
        own = self._of_the_game(self._client.query("count by (instance) (node_filesystem_avail_bytes)"))
        # file systems in memory, images and those of user space are full, or empty, by their nature
        kinds = 'fstype!~"tmpfs|devtmpfs|ramfs|overlay|squashfs|erofs|iso9660|udf|fuse[.].+"'
        names = "|".join(re.escape(one.labels["instance"]) for one in own).replace("\\", "\\\\")
        real = f'{kinds},instance=~"{names}"' if own else kinds
        used = f"1 - node_filesystem_avail_bytes{{{real}}} / node_filesystem_size_bytes{{{real}}}"
        fixed = "unless on (instance, device, mountpoint) (node_filesystem_readonly == 1)"
        return self._line(f"100 * max(({used}) {fixed})", "node_filesystem_avail_bytes")

    def firing(self) -> list[Series]:
        """The alerts that fired, by name, with the moments at which they did."""
        return self._client.range('max by (alertname) (ALERTS{alertstate="firing"})', self.start, self.end, self.step)

    def security_alerts(self) -> Figure:
        """Alerts on logins, limits and intrusion that fired, and those that the game itself raised."""
        named = [one.labels.get("alertname", "") for one in self.firing() if one.values]
        fired = sorted(name for name in named if re.search(r"(?i)auth|login|ratelimit|intrusion|security", name))
        line = self._rates("intrusion_alerts_total", empty="intrusion_alerts" in str(self._target.facts.absent_metrics))
        raised = round(float(line.values.sum()) * self.step)
        where = ", ".join([*fired, *([f"{raised} by intrusion detection"] if raised else [])])
        return Figure(len(fired) + raised, line.times.size or self.complete().scrapes, where=where)


def _latency(found: Quantile, samples: int, scrapes: int = 0) -> Figure:
    bounds = (1000 * found.low, 1000 * found.high)
    facts = {"between the edges": f"{bounds[0]:.4g} and {bounds[1]:.4g} ms"}
    return Figure(1000 * found.value, samples, scrapes=scrapes, facts=facts, bounds=bounds)


def _first(moments: Sequence[float], what: str) -> str:
    return f"{what} {clock(min(moments))}" if moments else ""
