"""JSON that comes from outside: read strictly, and never deeper than it can be written again."""

from __future__ import annotations

from typing import Any, Final

import orjson

DEEPEST: Final = 100
"""Levels of lists and objects; `orjson` reads 1,024 and writes 254."""


class BadJson(ValueError):
    """A text that is no JSON as we accept it; the message says why in a line."""


def parse_json(text: bytes | str) -> Any:
    """Return the value of a JSON text; `BadJson` if it is none.

    It has to be UTF-8 without a byte order mark, with finite numbers, and at most `DEEPEST` levels deep. So whatever
    is returned can be written again by `orjson.dumps`.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadJson(f"not JSON ({error})") from None
    brackets = (b"[", b"{") if isinstance(text, bytes) else ("[", "{")
    if sum(map(text.count, brackets)) > DEEPEST and _is_deeper(value, DEEPEST):  # type: ignore[arg-type]
        raise BadJson(f"nested more than {DEEPEST} levels deep")
    return value


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects are nested more than `levels` levels deep."""
    layer = [value]
    for _ in range(levels):
        layer = [
            inner
            for outer in layer
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return any(isinstance(value, dict | list) for value in layer)
