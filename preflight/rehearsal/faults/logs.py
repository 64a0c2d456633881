"""Faults in the game's own log."""

from __future__ import annotations

from preflight.rehearsal.behaviour import Edit
from preflight.rehearsal.faults.model import Change, Fault, files, themed

LOG = "var/log/spacetime/godot.log"


def _logged(text: str) -> Change:
    return files(Edit("append", LOG, text))


_TRACE = (
    "================================================================\n"
    "handle_crash: Program crashed with signal 11\n"
    "Engine version: Godot Engine v4.5.1.stable.official\n"
    "Dumping the backtrace. Please include this when reporting the bug\n"
    "[1] /lib/x86_64-linux-gnu/libc.so.6(+0x3c050) [0x7f1f2a03c050]\n"
    "-- END OF BACKTRACE --\n"
)

FAULTS = themed(
    "logs",
    Fault(
        "script_error",
        "A script failed at run time.",
        _logged(
            "SCRIPT ERROR: Invalid access to property 'size' on a base object of type 'Nil'.\n   at: _process (res://vr_main.gd:41)\n"
        ),
    ),
    Fault(
        "parse_error",
        "A script does not compile.",
        _logged(
            'SCRIPT ERROR: Parse Error: Identifier "foo" not declared in the current scope.\n   at: GDScript::reload (res://a.gd:3)\n'
        ),
    ),
    Fault(
        "engine_error",
        "The engine reported an error.",
        _logged('ERROR: Condition "!is_inside_tree()" is true.\n   at: get_global_transform (scene/3d/node_3d.cpp:345)\n'),
    ),
    Fault(
        "critical_line",
        "The game logged a critical error.",
        _logged("[{{ago:7200}}] [CRITICAL] SaveManager: save file is corrupt\n"),
    ),
    Fault("crash_trace", "The game crashed and was started again.", _logged(_TRACE)),
    Fault(
        "crash_in_rotated_log",
        "The game crashed two hours ago, which only a log that was rotated since then tells.",
        files(Edit("write", f"{LOG}.1", f"[{{{{ago:7200}}}}] [INFO] Heartbeat: fps 90.1\n{_TRACE}")),
    ),
    Fault("out_of_memory", "The game ran out of memory.", _logged("ERROR: OutOfMemory: can't allocate 268435456 bytes\n")),
    Fault(
        "compile_warning",
        "The compiler warned.",
        _logged("[{{ago:80000}}] [WARNING] GDScript: UNUSED_VARIABLE at res://a.gd:9\n"),
    ),
    Fault(
        "one_error_in_100_mb",
        "One error stands in 100 MB of text.",
        files(
            Edit("pad", LOG, number=50),
            Edit("append", LOG, "SCRIPT ERROR: Division by zero error in operator '/'.\n"),
            Edit("pad", LOG, number=50),
        ),
    ),
    Fault("log_missing", "The game's log is missing.", files(Edit("delete", LOG))),
    Fault("log_empty", "The game's log is empty.", files(Edit("truncate", LOG))),
    Fault("vr_start_failed", "OpenXR did not start.", _logged("[{{ago:3500}}] [ERROR] OpenXR: failed to create session\n")),
)
