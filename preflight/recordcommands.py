"""Subcommands about records that are there: compare, sign, verify, print."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from preflight import many
from preflight.checklist import load
from preflight.errors import UsageError
from preflight.probes import browser
from preflight.record import compare, seal, sign
from preflight.record.read import folder_of, read
from preflight.session import read_journals
from preflight.terminal import show

_NEWEST = Path("reports/latest")


def add(commands: Any) -> None:
    """Tell the parser of these subcommands."""
    command = commands.add_parser("verify", help="is a record what its run wrote? verdicts are derived again")
    command.add_argument("record", type=Path, help="the folder of a run")
    command.add_argument("--key", type=Path, metavar="PUBLIC", help="check the signature by this key, too")
    command.set_defaults(run=_verify)

    command = commands.add_parser("key", help="keys to sign records with")
    what = command.add_subparsers(dest="what", required=True, metavar="new")
    one = what.add_parser("new", help="write a private key, and the public one beside it (.pub)")
    one.add_argument("file", type=Path)
    one.set_defaults(run=_key)

    command = commands.add_parser("sign", help="sign a record (DSSE, Ed25519, in-toto test result)")
    command.add_argument("record", type=Path, help="the folder of a run")
    command.add_argument("--key", type=Path, required=True, metavar="PRIVATE")
    command.set_defaults(run=_sign)

    command = commands.add_parser("compare", help="what changed from one record to another")
    command.add_argument("old", type=Path)
    command.add_argument("new", type=Path, nargs="?", default=_NEWEST)
    command.set_defaults(run=_compare)

    command = commands.add_parser("pdf", help="print a record to PDF, by Chromium")
    command.add_argument("record", nargs="?", type=Path, default=_NEWEST)
    command.add_argument("--out", type=Path, help="the file to write (else beside the folder of the record)")
    command.set_defaults(run=_pdf)

    command = commands.add_parser("many", help="several targets in one command: a record each, one page over them")
    command.add_argument("targets", nargs="+", type=Path, metavar="TARGET")
    command.add_argument("--record", type=Path, default=Path("reports"), metavar="DIR", help="where the records are made")
    command.add_argument("--pytest", default="", metavar="ARGUMENTS", help='what pytest is told, such as "-m security"')
    command.set_defaults(run=lambda chosen: many.many(chosen.targets, chosen.record, chosen.pytest))


def unfinished(folder: Path) -> bool:
    """Say what a run had judged that was killed before it could write its record; False when there is a record."""
    if not (folder / "journal").is_dir() or (folder / "record.json").exists():
        return False
    told = read_journals(folder)
    rows = [f"{outcome.status!s:<14} {outcome.item:<14} {outcome.reason[:120]}" for outcome in told.outcomes]
    judged = {outcome.node for outcome in told.outcomes}
    rows += [f"{'was running':<14} {told.planned[node]}" for node in told.started if node not in judged and node in told.planned]
    rows.append(
        f"\n{folder}: the run was ended before it wrote its record; {len(judged)} of {len(told.planned)} tests were judged"
    )
    show("\n".join(rows))
    return True


def _verify(chosen: argparse.Namespace) -> int:
    folder = folder_of(chosen.record)
    found = list(seal.problems(folder, load()))
    if chosen.key is not None:
        found += list(sign.problems(folder, chosen.key))
    for problem in found:
        print(problem)
    if found:
        print(f"{folder}: NOT as its run wrote it")
        return 1
    by = f", and signed by {chosen.key}" if chosen.key else ""
    n = sign.signatures(folder) if chosen.key is None else 0
    hint = f" ({n} signature(s) not looked at: give --key PUBLIC)" if n else ""
    print(f"{folder}: as its run wrote it{by}, and every verdict follows from its outcomes{hint}")
    return 0


def _key(chosen: argparse.Namespace) -> int:
    public = sign.new_key(chosen.file)
    print(f"{chosen.file} signs: keep it to yourself. {public} verifies: give it to whoever reads the records.")
    return 0


def _sign(chosen: argparse.Namespace) -> int:
    folder = folder_of(chosen.record)
    found = list(seal.problems(folder, load()))
    if found:
        raise UsageError(f"{folder} is not as its run wrote it ({found[0]}); nothing was signed")
    place = sign.sign(folder, chosen.key)
    print(f"{place} written: {read(folder).headline}")
    return 0


def _compare(chosen: argparse.Namespace) -> int:
    old, new = read(chosen.old), read(chosen.new)
    if old.target.name != new.target.name or old.rehearsal != new.rehearsal:
        raise UsageError(f"{old.title} and {new.title} are of different targets; there is nothing to compare")
    show(compare.text(compare.since(old, new.items), new))
    return 0


def _pdf(chosen: argparse.Namespace) -> int:
    folder = folder_of(chosen.record).resolve()
    page = folder / "record.html"
    if not page.is_file():
        raise UsageError(f"{page} is not there")
    program = browser.find()
    if program is None:
        raise UsageError(f"no Chromium or Chrome is here; open {page} in any browser and print it")
    # beside the folder: a file inside would be one that was added after the run
    out: Path = (chosen.out or folder.with_name(folder.name + ".pdf")).absolute()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        words = [str(program), *browser.HEADLESS, f"--user-data-dir={profile}", "--no-pdf-header-footer"]
        made = Path(profile) / "record.pdf"
        try:
            subprocess.run([*words, f"--print-to-pdf={made}", page.as_uri()], capture_output=True, timeout=120, check=False)
            shutil.copyfile(made, out)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UsageError(f"{program} printed no PDF to {out} ({error})") from error
    print(out)
    return 0
