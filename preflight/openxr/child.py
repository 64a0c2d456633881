"""The process that looks at OpenXR: `python -m preflight.openxr.child '{"seconds": 18}'`.

A frozen runtime blocks a call for ever and a dead one crashes destructors, so whoever asks must be able to lose this
process. It writes a line of JSON for each sign of life, last {"result": …}, and leaves by os._exit.
"""

from __future__ import annotations

import json
import os
import sys
from typing import IO, Any


def main(words: list[str]) -> None:
    """Look as asked, tell, and go at once."""
    asked = json.loads(words[0])
    # drivers print to standard output: they get standard error instead, and the telling a descriptor of its own
    told_to = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    result: dict[str, Any] = {}
    try:
        _look(asked, result, told_to)
    except BaseException as error:  # noqa: BLE001 - whatever stops a look is its result
        result["trouble"] = _trouble(error)
    _tell(told_to, {"result": result})
    os._exit(0)


def _look(asked: dict[str, Any], result: dict[str, Any], told_to: IO[str]) -> None:
    _tell(told_to, {"doing": "loading OpenXR"})
    try:
        import xr  # noqa: F401 - whether it can be loaded is the question
    except ImportError as error:
        result["trouble"] = {"code": "no pyopenxr", "text": f"pyopenxr is not installed ({error})"}
        return
    except Exception as error:  # noqa: BLE001 - without libGL it fails with an AttributeError
        result["trouble"] = {"code": "no libGL", "text": f"pyopenxr can't be loaded: libGL is missing ({type(error).__name__})"}
        return
    from preflight.openxr.disturb import Disturbance
    from preflight.openxr.play import Play

    def beat(doing: str, known: dict[str, Any]) -> None:
        _tell(told_to, {"doing": doing, "known": known})

    play = Play(result, beat, Disturbance(**asked.get("disturb", {})))
    play.run(
        float(asked["seconds"]),
        int(asked.get("samples", 0)),
        focuses=int(asked.get("focuses", 1)),
        graphics=bool(asked.get("graphics", True)),
    )


def _trouble(error: BaseException) -> dict[str, str]:
    from preflight.openxr.binding import trouble

    found = trouble(error)
    return {"code": found.code, "text": str(found), "kind": type(error).__name__}


def _tell(told_to: IO[str], what: dict[str, Any]) -> None:
    told_to.write(json.dumps(what) + "\n")
    told_to.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
