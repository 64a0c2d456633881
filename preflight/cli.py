"""The `preflight` command: what is done around a run. Each subcommand is a function from arguments to an exit status."""

from __future__ import annotations

import argparse
import difflib
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from preflight import attest, baselines, combine, doctor, recordcommands, terminal, watch
from preflight.checklist import ROOT, ChecklistError
from preflight.errors import UsageError, writing
from preflight.openxr import command as headset
from preflight.record.read import ReadError, folder_of, read
from preflight.record.write import atomic, schema
from preflight.target import TargetError, default_place

USAGE_ERROR = 4
_GROUPS = {
    "a target": ("init", "doctor"),
    "people": ("attest", "waive"),
    "records": ("show", "compare", "combine", "pdf", "verify", "sign", "key"),
    "more than one run": ("watch", "many", "baseline"),
    "without a deployment or a headset": ("rehearse", "headset"),
    "for the suite's developers": ("schema",),
}
INVALID = 7


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; the user's mistakes are one sentence and exit status 4."""
    parser = _Parser(
        prog="preflight",
        usage="preflight [-h] COMMAND ...",
        description="May SpaceTime VR be deployed? The tests are run by pytest: see pytest --help.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", help=argparse.SUPPRESS)

    command = commands.add_parser("init", help="write a commented target file")
    command.add_argument("file", nargs="?", type=Path, default=Path("target.toml"))
    command.add_argument("--force", action="store_true", help="replace a file that is there")
    command.set_defaults(run=_init)

    command = commands.add_parser("doctor", help="one harmless request a service: is the target file right?")
    command.add_argument("--target", type=Path, default=default_place(Path()))
    command.set_defaults(run=lambda chosen: doctor.examine(chosen.target))

    command = commands.add_parser("rehearse", help="start the stand-in deployment and leave it running until Ctrl-C")
    command.add_argument("--fault", action="append", default=[], metavar="NAME", help="break it in one way (repeatable)")
    command.add_argument("--folder", metavar="DIR", help="where its files are kept")
    command.add_argument("--list-faults", action="store_true", help="name every fault and what it breaks")
    command.set_defaults(run=_rehearse)

    _more(commands)
    parser.epilog = _grouped(commands)
    chosen = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = chosen.run
    try:
        return run(chosen)
    except (UsageError, TargetError, ReadError, ChecklistError) as error:
        print(f"preflight: {error}", file=sys.stderr)
        return USAGE_ERROR
    except (KeyboardInterrupt, EOFError):
        return 130


class _Parser(argparse.ArgumentParser):
    """Names the word that was probably meant, and ends with the status of the user's mistakes."""

    def error(self, message: str) -> NoReturn:
        found = re.search(r"invalid choice: '([^']*)' \(choose from (.+)\)", message)
        if found:
            near = difflib.get_close_matches(found[1], re.findall(r"[\w-]+", found[2]), 1)
            meant = f"did you mean {near[0]}? " if near else ""
            message = f"there is no command {found[1]}; {meant}{self.prog} --help lists them"
        print(f"preflight: {message}", file=sys.stderr)
        raise SystemExit(USAGE_ERROR)


def _grouped(commands: Any) -> str:
    """The commands by what they are for, as the help shows them."""
    told = {action.dest: action.help for action in commands._get_subactions()}  # noqa: SLF001 - nothing else knows
    parts = []
    for what, names in _GROUPS.items():
        rows = [f"  {name:<9} {told[name]}" for name in names]
        parts.append("\n".join([f"{what}:", *rows]))
    return "\n\n".join(parts)


def _more(commands: Any) -> None:
    """The subcommands about records and people."""
    command = commands.add_parser("attest", help="say of an item what only a person can say")
    command.add_argument("item", nargs="?", help="the item, such as VR-COMF-07")
    command.add_argument("--target", type=Path, default=default_place(Path()))
    command.add_argument(
        "--from", dest="source", type=Path, metavar="FILE", help="many at once, in the form of attestations.toml"
    )
    command.add_argument("--outcome", choices=["yes", "no"])
    for name in ("who", "role", "note", "evidence", "record"):
        command.add_argument(f"--{name}")
    command.add_argument("--yes", action="store_const", const="yes", help="write it without asking")
    command.set_defaults(run=_attest)

    command = commands.add_parser("waive", help="answer for a broken mandatory or warning limit until a date")
    command.add_argument("item")
    command.add_argument("--target", type=Path, default=default_place(Path()))
    for name in ("reason", "approver", "risk", "ticket", "until"):
        command.add_argument(f"--{name}")
    command.add_argument("--yes", action="store_const", const="yes", help="write it without asking")
    command.set_defaults(run=_waive)

    command = commands.add_parser("show", help="say on the terminal what a record says")
    command.add_argument("record", nargs="?", type=Path, default=Path("reports/latest"))
    command.set_defaults(run=_show)

    recordcommands.add(commands)

    command = commands.add_parser("combine", help="join the records of several runs of one build into one")
    command.add_argument("records", nargs="+", type=Path, help="folders of runs, or record.json files")
    command.add_argument("--out", type=Path, help="where to write (else a new folder beside the first)")
    command.add_argument("--oldest", type=float, default=72.0, metavar="HOURS", help="older looks are pending (72)")
    command.set_defaults(run=lambda chosen: combine.combine(chosen.records, chosen.out, chosen.oldest))

    command = commands.add_parser("watch", help="look at each window after the deployment once it is over")
    command.add_argument("--target", type=Path, default=default_place(Path()))
    command.add_argument("--until", default="24h", metavar="TIME", help="how long after the deployment: 15m, 1h, 4h, 1d (24h)")
    command.add_argument("--record", type=Path, default=ROOT / "reports", metavar="DIR", help="where the records are kept")
    command.set_defaults(run=_watch)

    command = commands.add_parser("baseline", help="latencies of a build, to compare later ones with")
    what = command.add_subparsers(dest="what", required=True, metavar="save|list|show")
    one = what.add_parser("save", help="keep the latencies of a record")
    one.add_argument("record", nargs="?", type=Path, default=Path("reports/latest"))
    one.set_defaults(run=_baseline_save)
    one = what.add_parser("list", help="name what is kept")
    one.add_argument("target", nargs="?")
    one.set_defaults(run=_baseline_list)
    one = what.add_parser("show", help="show what is kept of a target")
    one.add_argument("target")
    one.add_argument("--build")
    one.set_defaults(run=_baseline_show)

    headset.add(commands)

    command = commands.add_parser("schema", help="write the JSON Schema of record.json to docs/")
    command.set_defaults(run=_schema)


def _init(chosen: argparse.Namespace) -> int:
    template = (Path(__file__).parent / "data" / "target.example.toml").read_text("utf-8")
    file: Path = chosen.file
    if file.exists() and not chosen.force:
        raise UsageError(f"{file} is there already; --force replaces it")
    with writing(file):
        atomic(file.absolute(), template)
    print(f"{file} written. Replace what stands in <…>, then: preflight doctor --target {file}")
    return 0


def _rehearse(chosen: argparse.Namespace) -> int:
    from preflight.rehearsal.__main__ import main as rehearse

    words = [word for name in chosen.fault for word in ("--fault", name)]
    words += ["--folder", chosen.folder] if chosen.folder else []
    return rehearse([*words, *(["--list-faults"] if chosen.list_faults else [])])


def _attest(chosen: argparse.Namespace) -> int:
    given = {name: getattr(chosen, name) for name in ("outcome", "who", "role", "note", "evidence", "record", "yes")}
    return attest.attest(chosen.target, chosen.item, chosen.source, given, attest.at_the_terminal)


def _waive(chosen: argparse.Namespace) -> int:
    given = {name: getattr(chosen, name) for name in ("reason", "approver", "risk", "ticket", "until", "yes")}
    return attest.waive(chosen.target, chosen.item, given, attest.at_the_terminal)


def _show(chosen: argparse.Namespace) -> int:
    if recordcommands.unfinished(chosen.record):
        return INVALID
    record = read(chosen.record)
    terminal.show(f"{record.title}\n\n{terminal.ending(record, folder_of(chosen.record))}")
    return record.exit_status


def _watch(chosen: argparse.Namespace) -> int:
    try:
        until = watch.duration(chosen.until)
    except ValueError as error:
        raise UsageError(f"--until: {error}") from error
    return watch.watch(chosen.target, until, chosen.record)


def _baseline_save(chosen: argparse.Namespace) -> int:
    print(baselines.save(chosen.record))
    return 0


def _baseline_list(chosen: argparse.Namespace) -> int:
    kept = baselines.list_(chosen.target)
    for baseline in kept:
        print(f"{baseline.target}  {baseline.build}  {baseline.saved}")
    if not kept:
        print("no baseline is kept; make one with: preflight baseline save")
    return 0


def _baseline_show(chosen: argparse.Namespace) -> int:
    kept = [b for b in baselines.list_(chosen.target) if chosen.build in (None, b.build)]
    if not kept:
        raise UsageError(f"no baseline of {chosen.target} is kept; `preflight baseline list` names those that are")
    for baseline in kept:
        print(baselines.show(baseline))
    return 0


def _schema(_: argparse.Namespace) -> int:
    atomic(ROOT / "docs" / "record.schema.json", json.dumps(schema(), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
