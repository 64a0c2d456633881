"""The full simulations and the slow faults: `python -m selftest.measure [rates|faults] [--only WORD] [--runs N] [--write]`.

`rates` simulates how often the judging says what, and with `--write` puts its tables into docs/measuring.md;
`faults` looks at every fault of latency through a rehearsal (some 25 minutes).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from preflight.measure.percentile import LOOKS
from preflight.probes.sampler import PACED_BY
from selftest.measure import faults
from selftest.measure.servers import SERVERS
from selftest.measure.simulate import change_rates, clustered_servers, percentile_rates, stable_rates, trend_rates
from selftest.measure.tables import table

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "measuring.md"
BEGIN, END = "<!-- written by `python -m selftest.measure rates --write` -->", "<!-- end of what is written -->"
POWER = {
    0.95: (0.0, 0.005, 0.01, 0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3),
    0.99: (0.0, 0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.04, 0.08),
}
_DECISIONS = 18


def rates(runs: int) -> str:
    """The tables, as Markdown."""
    parts = [_bounds(), _errors(runs), _power(max(500, runs // 4)), _durations(), _comparisons(max(100, runs // 20))]
    return "\n\n".join(parts)


def _bounds() -> str:
    rows = [
        "Decision table (independent samples; FAIL for one decision in the run, and for 18):",
        "",
        "| percentile | n | PASS with k up to | FAIL with k from | with 18 decisions |",
        "| --- | --- | --- | --- | --- |",
    ]
    for quantile in LOOKS:
        shared = table(quantile, alpha_fail=0.001 / _DECISIONS)
        rows += [
            f"| P{100 * quantile:g} | {one.n} | {one.pass_at_most} | {one.fail_at_least} | {other.fail_at_least} |"
            for one, other in zip(table(quantile), shared, strict=True)
        ]
    return "\n".join(rows)


def _errors(runs: int) -> str:
    rows = [
        (
            f"A server exactly at its limit ({runs} runs a line; stated: PASS at most 5 %; FAIL at most 1 % here, simulated with "
            "alpha_fail = 0.01 since 0.001 is too rare to simulate):"
        ),
        "",
        "| percentile | latencies | PASS | FAIL |",
        "| --- | --- | --- | --- |",
    ]
    for quantile in LOOKS:
        for name, server in {**{n: s for n, s in SERVERS.items() if n != "clustered"}, **clustered_servers()}.items():
            found = percentile_rates(server, quantile, 1 - quantile, runs=runs, alpha_fail=0.01)
            rows.append(f"| P{100 * quantile:g} | {name} | {found['PASS']:.1%} | {found['FAIL']:.1%} |")
    return "\n".join(rows)


def _power(runs: int) -> str:
    rows = [
        (
            f"Power: how often a server with that share over the limit gets which answer ({runs} runs a line, 18 decisions in the run), "
            "and after how many samples:"
        ),
        "",
        "| percentile | share over the limit | PASS | FAIL | not proven | mean n |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for quantile, shares in POWER.items():
        for share in shares:
            found = percentile_rates(
                SERVERS["lognormal" if share else "bimodal"], quantile, share, runs=runs, alpha_fail=0.001 / _DECISIONS
            )
            rows.append(
                f"| P{100 * quantile:g} | {share:.1%} | {found['PASS']:.0%} | {found['FAIL']:.0%} | {found['UNDECIDED']:.0%} | {found['n']:.0f} |"
            )
    return "\n".join(rows)


def _durations() -> str:
    rows = [
        "Time for the looks at R = 0.5/limit (s):",
        "",
        "| endpoint | requests a second | " + " | ".join(f"n = {n}" for looks in LOOKS.values() for n in looks) + " |",
        "| --- " * (2 + sum(map(len, LOOKS.values()))) + "|",
    ]
    for call, limit in PACED_BY.items():
        rate = min(50.0, 500 / limit)
        rows.append(f"| {call} | {rate:.1f} | " + " | ".join(f"{n / rate:.0f}" for looks in LOOKS.values() for n in looks) + " |")
    return "\n".join(rows)


def _comparisons(runs: int) -> str:
    rows = [f"Comparisons ({runs} runs a line):", "", "| what | truth | says |", "| --- | --- | --- |"]

    def line(what: str, truth: str, found: dict[str, float]) -> None:
        rows.append(f"| {what} | {truth} | " + ", ".join(f"{name} {share:.0%}" for name, share in found.items()) + " |")

    for factor, tolerance in ((1.0, 1.5), (1.1, 1.5), (1.5, 1.5), (2.0, 1.5), (2.0, 2.0), (3.0, 2.0)):
        for n in (90, 460):
            line(
                f"P95 against a baseline, tolerance {tolerance:g}, n = {n}",
                f"{factor:g} times",
                change_rates(factor, tolerance, runs=runs, n=n),
            )
    for growth in (0.0, 0.1, 0.2, 0.3):
        line("trend over 460 samples", f"+{growth:.0%}", trend_rates(growth, runs=3 * runs))
    line("trend over 460 samples, neighbours correlated 0.7", "+0%", trend_rates(0.0, runs=3 * runs, rho=0.7))
    for growth in (0.0, 20.0, 40.5, 60.0):
        line("stable: memory within 5 % of 810 MB in an hour", f"+{growth:g} MB", stable_rates(growth, runs=runs))
    return "\n".join(rows)


def _write(text: str) -> None:
    before, _, rest = DOCUMENT.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


def _faults(only: str) -> int:
    wrong = 0
    for case in faults.CASES:
        if only not in case.name:
            continue
        began = time.monotonic()
        judged, evidence = faults.look(case)
        good = judged.status in case.gives and case.says in judged.reason
        wrong += not good
        seen = judged.reason or "; ".join(evidence.facts.values())
        print(
            f"{'ok   ' if good else 'WRONG'} {case.name:40} {judged.status:8} {time.monotonic() - began:4.0f} s  {seen[:150]}",
            flush=True,
        )
    return 1 if wrong else 0


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m selftest.measure", description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", choices=["rates", "faults"], default="rates")
    parser.add_argument("--only", default="", metavar="WORD", help="faults whose name holds it")
    parser.add_argument("--runs", type=int, default=4000, help="simulated runs a line")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/measuring.md")
    chosen = parser.parse_args()
    if chosen.what == "faults":
        return _faults(chosen.only)
    text = rates(chosen.runs)
    print(text)
    if chosen.write:
        _write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
