"""record.json and junit.xml, both from the tree. Files appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from junitparser import Error, Failure, JUnitXml, Properties, Property, Skipped, TestCase, TestSuite
from pydantic_core import to_json

from preflight.outcome import Status
from preflight.record.tree import Record
from preflight.redact import Redactor


def atomic(path: Path, content: str | bytes) -> None:
    """Write `content` to `path` so that a crash or a full disk leaves the old file, never half a new one."""
    data = content.encode() if isinstance(content, str) else content
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(part).chmod(0o644)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def record_json(record: Record, redact: Redactor) -> str:
    """The record as JSON, keys in the order of the model."""
    return to_json(redact.tree(record.model_dump(mode="json", by_alias=True)), indent=1).decode() + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema of record.json."""
    return Record.model_json_schema(by_alias=True, mode="serialization")


def junit_xml(record: Record, redact: Redactor) -> bytes:
    """The record as JUnit: one case an item; what nobody has decided is skipped, never passed."""
    xml = JUnitXml(redact(record.title))
    for section in dict.fromkeys(item.section for item in record.items):
        suite = TestSuite(section)
        suite.add_testcases([_case(item, redact) for item in record.items if item.section == section])
        xml.add_testsuite(suite)
    xml.update_statistics()  # type: ignore[no-untyped-call]
    return bytes(xml.tostring())  # type: ignore[no-untyped-call]


def _case(item: Any, redact: Redactor) -> TestCase:
    case = TestCase(redact(f"{item.id} {item.title}"), classname=f"preflight.{item.section}", time=item.seconds)
    reason = _xml_safe(redact(f"{item.status}: {item.reason}" if item.reason else str(item.status)))
    if item.status is Status.FAIL:
        case.result = [Failure(reason, str(item.severity))]
    elif item.status is Status.ERROR:
        case.result = [Error(reason, item.code or "error")]
    elif item.status is not Status.PASS:
        case.result = [Skipped(reason, item.code or str(item.status))]
    properties = Properties()  # type: ignore[no-untyped-call]
    for name in ("status", "severity", "stage"):
        properties.add_property(Property(name, str(getattr(item, name))))
    properties.add_property(Property("checklist_lines", " ".join(map(str, item.lines))))
    case.append(properties)  # type: ignore[no-untyped-call]
    return case


def _xml_safe(text: str) -> str:
    return "".join(char for char in text if char in "\t\n" or (" " <= char <= "\ud7ff") or ("\ue000" <= char <= "\ufffd"))
