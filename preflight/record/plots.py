"""Plots of the record as inline SVG, each with a sentence that says the same: samples in, markup out.

Everything is drawn from the samples that record.json keeps, so a plot of a record that is combined or read again a year
later is the same plot. Colours and strokes are in the page's style sheet.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

from preflight.checklist import Limit
from preflight.outcome import Status
from preflight.redact import printable
from preflight.run import ItemResult

Points = Sequence[Sequence[float]]
_CALL = re.compile(r"^[A-Z]+ /\S*$")
_QUANTILES = {"p95": 0.95, "p99": 0.99, "p95_ratio": 0.95, "median_ratio": 0.5, "p999_frame_time": 0.999}
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 640, 170, 46, 14, 18, 26
_MOST_POINTS = 240
_A_DATE = 1e8
"""Times from here on are seconds since 1970; smaller ones count from the beginning of the measurement."""
CARD = "HLT-CARD-"


@dataclass(frozen=True)
class Plot:
    """A drawing, and the sentence for whoever can't see it (and under the drawing, for everybody)."""

    svg: Markup
    alt: str


@dataclass(frozen=True)
class _Axis:
    """A linear axis: values from `low` to `high` on pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + min(1.02, max(-0.02, share)) * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        step = _round_step((self.high - self.low) / 5)
        first = math.ceil(self.low / step - 1e-9)
        return [round(i * step, 10) for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def baselines(items: Sequence[ItemResult]) -> dict[str, list[float]]:
    """Latencies (ms) of the baseline by call, from whichever item was compared with it."""
    prefix = "baseline of "
    found: dict[str, list[float]] = {}
    for name, values in _samples(items):
        if name.startswith(prefix):
            found[name.removeprefix(prefix)] = _numbers(values)
    return found


def of_item(item: ItemResult, before: Mapping[str, Sequence[float]]) -> list[Plot]:
    """The plots of one item; none where its samples do not say more than its value. `before`: see `baselines`."""
    plots = []
    quantiles = [limit for limit in item.limits if limit.name in _QUANTILES]
    for name, values in _samples([item]):
        label = printable(name, 60)
        if name.startswith("trend of "):
            call = name.removeprefix("trend of ")
            plots.append(_over_time(f"Latency of {call}", _points(values), "ms", [], baseline=before.get(call, ())))
        elif name.endswith(" over time") and isinstance(values, dict):
            unit = printable(str(values.get("unit", "")), 20)
            limits = [limit for limit in item.limits if limit.unit == unit]
            words = _words(label.removesuffix(" over time"))
            words = f"{words[0].upper()}{words[1:]} over time"
            phases = [(at, printable(str(what), 20)) for at, what in _phases(values.get("phases"))]
            plots.append(_over_time(words, _points(values.get("points", ())), unit, limits, phases=phases))
        elif name == "steps":
            answers = [[step[0], step[2]] for step in _points(values) if len(step) > 2]
            plots.append(_over_time("P95 by number of connections", answers, "ms", [], across="connections"))
        elif quantiles and (_CALL.match(name) or name == "frame times"):
            plots.append(_distribution(label, _numbers(values), quantiles, before.get(name, ())))
    return [plot for plot in plots if plot is not None]


def scorecard(items: Sequence[ItemResult]) -> Plot | None:
    """The eight figures of the day, each as a share of its limit: what must stay under it, and what must reach it."""
    cards = [i for i in items if i.id.startswith(CARD) and i.value is not None and i.limits and i.limits[0].bound]
    if not cards:
        return None
    rows, said = [], []
    axis = _Axis(0.0, 1.25, 320, _WIDTH - 50)
    height = 26 * len(cards) + 30
    for number, item in enumerate(cards):
        value, limit = item.value or 0.0, item.limits[0]
        top = 8 + 26 * number
        wants = "at least" if limit.at_least is not None or limit.above is not None else "at most"
        title = item.title.removeprefix("Scorecard: ").rstrip(".").capitalize()
        told = f"{_figure(value)} {limit.unit}, {wants} {_figure(limit.bound)}"
        rows += [
            _text(312, top + 14, title, anchor="end"),
            _element("rect", css=_css(item.status), x=axis.start, y=top + 3, width=axis.at(value / limit.bound) - axis.start, height=14),
            _text(axis.at(0.0) + 4, top + 14, told, css="over"),
            _text(_WIDTH - 46, top + 14, str(item.status)),
        ]  # fmt: skip
        said.append(f"{title}: {told}, {item.status}")
    end = axis.at(1.0)
    rows.append(_element("line", css="limit", x1=end, y1=2, x2=end, y2=height - 18))
    rows.append(_text(end, height - 4, "the limit", anchor="middle"))
    return _plot(rows, "Scorecard of the day, each value as a share of its limit. " + "; ".join(said), height)


def _distribution(name: str, samples: Sequence[float], limits: Sequence[Limit], before: Sequence[float]) -> Plot | None:
    """A histogram with the quantiles that are judged, their limits, and the same quantile of the baseline."""
    if len(samples) < 5:
        return None
    ordered = sorted(samples)
    bounds = [limit.bound for limit in limits if limit.unit == "ms"]
    # a time-out far to the right would squeeze everything else into one bar: it stands in the last one
    high = max(1.3 * _quantile(ordered, 0.95), 1.08 * max(bounds, default=0.0), min(ordered[-1], 3 * _quantile(ordered, 0.95)))
    x = _Axis(0.0, high or 1.0, _LEFT, _WIDTH - _RIGHT)
    bins = 60
    counts = [0] * bins
    for value in ordered:
        counts[min(bins - 1, int(bins * value / x.high))] += 1
    y = _Axis(0.0, max(counts) * 1.1, _HEIGHT - _BOTTOM, _TOP)
    wide = (x.end - x.start) / bins
    rows = _frame(x, y, "ms", "samples")
    for index, count in enumerate(counts):
        if count:
            top = y.at(count)
            rows.append(_element("rect", css="bar", x=round(x.start + index * wide, 1), y=top, width=round(wide - 1, 1), height=round(y.start - top, 1)))  # fmt: skip
    kind = "quantiles of all" if name == "frame times" else "samples"
    said = [f"{name}: {len(samples)} {kind}, median {_figure(_quantile(ordered, 0.5))} ms"]
    for quantile in sorted({_QUANTILES[limit.name] for limit in limits}):
        value, word = _quantile(ordered, quantile), "median" if quantile == 0.5 else f"P{100 * quantile:g}"
        rows += _mark(x, y, value, word, "value")
        said.append(f"{word} {_figure(value)} ms")
        if before:
            then = _quantile(sorted(before), quantile)
            rows += _mark(x, y, then, "baseline", "base", lower=24)
            said.append(f"{word} of the baseline {_figure(then)} ms")
    for limit in limits:
        if limit.unit == "ms":
            rows += _mark(x, y, limit.bound, "limit", f"limit {limit.severity}", lower=12)
            said.append(f"limit of {_words(limit.name)} {in_words(limit)}")
    past = sum(value > x.high for value in ordered)
    return _plot(
        rows, ", ".join([*said, f"longest {_figure(ordered[-1])} ms"]) + (f"; {past} beyond the drawing" if past else "")
    )


def _over_time(
    name: str,
    points: Points,
    unit: str,
    limits: Sequence[Limit],
    *,
    baseline: Sequence[float] = (),
    phases: Sequence[tuple[float, str]] = (),
    across: str = "",
) -> Plot | None:
    """Values over time (or over `across`), with limits, the median of the baseline, and phases as bands."""
    if len(points) < 2 or points[0][0] == points[-1][0]:
        return None
    stride = max(1, len(points) // _MOST_POINTS)
    shown = [max(points[i : i + stride], key=lambda point: point[1]) for i in range(0, len(points), stride)]
    values = [point[1] for point in points]
    base = _quantile(sorted(baseline), 0.5) if baseline else None
    drawn = [*values, *([base] if base is not None else []), *(limit.bound for limit in limits)]
    low, high = min(drawn), max(drawn)
    low = 0.0 if low >= 0 and (low < 0.6 * high or high == 0) else low - 0.1 * ((high - low) or abs(high))
    x = _Axis(points[0][0], points[-1][0], _LEFT, _WIDTH - _RIGHT)
    y = _Axis(low, (high + 0.12 * (high - low)) or 1.0, _HEIGHT - _BOTTOM, _TOP)
    rows = [
        element
        for index, (at, what) in enumerate(phases)
        for element in _band(x, y, at, phases[index + 1][0] if index + 1 < len(phases) else x.high, what, odd=bool(index % 2))
    ]
    rows += _frame(x, y, across or _time_unit(x), unit)
    line = " ".join(f"{x.at(point[0])},{y.at(point[1])}" for point in shown)
    rows.append(_element("polyline", css="line", points=line))
    ordered = sorted(values)
    span = f"{len(points)} values from {_figure(ordered[0])} to {_figure(ordered[-1])} {unit}"
    said = [f"{name}: {span}, median {_figure(_quantile(ordered, 0.5))}, first {_figure(values[0])}, last {_figure(values[-1])}"]
    for limit in limits:
        rows += _rule(x, y, limit.bound, f"limit {in_words(limit)}", f"limit {limit.severity}")
        said.append(f"limit {in_words(limit)}")
    if base is not None:
        rows += _rule(x, y, base, "median of the baseline", "base")
        said.append(f"median of the baseline {_figure(base)} {unit}")
    said += [f"phase {what} from {at:g} s" for at, what in phases]
    return _plot(rows, ", ".join(said))


def in_words(limit: Limit | str) -> str:
    """A limit as a sentence writes it."""
    return str(limit).replace("<=", "≤").replace(">=", "≥")


def _words(name: str) -> str:
    return name.upper() if name in ("p95", "p99", "cpu", "fps") else name.replace("_", " ")


def _frame(x: _Axis, y: _Axis, across: str, up: str) -> list[Markup]:
    rows = []
    for tick in y.ticks():
        rows.append(_element("line", css="grid", x1=x.start, y1=y.at(tick), x2=x.end, y2=y.at(tick)))
        rows.append(_text(x.start - 5, y.at(tick) + 4, _figure(tick), anchor="end"))
    moments = _times(x) if x.low > _A_DATE else [(tick, _figure(tick)) for tick in x.ticks()]
    rows += [_text(x.at(at), y.start + 14, word, anchor="middle") for at, word in moments]
    rows.append(_element("line", css="axis", x1=x.start, y1=y.start, x2=x.end, y2=y.start))
    rows.append(_text(x.start - 40, 10, up))
    rows.append(_text(x.end, y.start + 25, across, anchor="end"))
    return rows


def _times(x: _Axis) -> list[tuple[float, str]]:
    step = next((s for s in (60, 300, 600, 1800, 3600, 7200, 14400, 21600) if (x.high - x.low) / s <= 8), 86400)
    first = math.ceil(x.low / step)
    return [(i * step, f"{datetime.fromtimestamp(i * step, UTC):%H:%M}") for i in range(first, math.floor(x.high / step) + 1)]


def _time_unit(x: _Axis) -> str:
    return f"UTC, from {datetime.fromtimestamp(x.low, UTC):%Y-%m-%d}" if x.low > _A_DATE else "s"


def _mark(x: _Axis, y: _Axis, value: float, word: str, css: str, *, lower: int = 0) -> list[Markup]:
    """A vertical line at a value; its word stands beside it, inside the drawing."""
    at = x.at(value)
    left = at > x.end - 90
    label = _text(at - 3 if left else at + 3, y.end + 8 + lower, f"{word} {_figure(value)}", anchor="end" if left else "start")
    return [_element("line", css=css, x1=at, y1=y.end - 4, x2=at, y2=y.start), label]


def _rule(x: _Axis, y: _Axis, value: float, word: str, css: str) -> list[Markup]:
    at = y.at(value)
    return [_element("line", css=css, x1=x.start, y1=at, x2=x.end, y2=at), _text(x.end - 2, at - 3, word, anchor="end")]


def _band(x: _Axis, y: _Axis, start: float, end: float, word: str, *, odd: bool) -> list[Markup]:
    left, right = x.at(start), x.at(end)
    band = _element("rect", css="band odd" if odd else "band", x=left, y=y.end, width=round(max(0.0, right - left), 1), height=y.start - y.end)  # fmt: skip
    return [band, _text(left + 2, y.start - (15 if odd else 3), word)]


def _plot(rows: Sequence[Markup], alt: str, height: int = _HEIGHT) -> Plot:
    head = Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(_WIDTH, height, alt)
    return Plot(head + Markup("").join(rows) + Markup("</svg>"), alt)


def _element(name: str, *, css: str, **numbers: float | str) -> Markup:
    attributes = Markup("").join(Markup(' {}="{}"').format(key, value) for key, value in numbers.items())
    return Markup('<{} class="{}"{}/>').format(name, css, attributes)


def _text(x: float, y: float, text: str, *, anchor: str = "start", css: str = "") -> Markup:
    where = Markup("") if anchor == "start" else Markup(' text-anchor="{}"').format(anchor)
    return Markup('<text x="{}" y="{}"{}{}>{}</text>').format(
        round(x, 1), round(y, 1), where, Markup(' class="{}"').format(css) if css else "", escape(text)
    )


def _css(status: Status) -> str:
    return f"bar s-{status.lower().replace(' ', '-')}"


def _samples(items: Sequence[ItemResult]) -> list[tuple[str, Any]]:
    """Name and samples of every outcome, once each."""
    return list({name: values for item in items for outcome in item.outcomes for name, values in outcome.samples.items()}.items())


def _numbers(values: Any) -> list[float]:
    found = [float(value) for value in values if isinstance(value, int | float)] if isinstance(values, list) else []
    return [value for value in found if math.isfinite(value)]


def _points(values: Any) -> list[list[float]]:
    return [numbers for row in values if len(numbers := _numbers(row)) >= 2] if isinstance(values, list | tuple) else []


def _phases(values: Any) -> list[tuple[float, Any]]:
    """Begin (s) and name of each phase."""
    rows = values if isinstance(values, list) else []
    return [
        (float(row[0]), row[1]) for row in rows if isinstance(row, list) and len(row) == 2 and isinstance(row[0], int | float)
    ]


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The value that at least `share` of the samples do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)]


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    return next(step * power for step in (1, 2, 5, 10) if step * power >= rough * 0.999)


def _figure(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1e4 else f"{value:.4g}"
