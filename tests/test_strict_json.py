"""What is read can be written again, and everything else is refused in a line."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringrift.strict_json import DEEPEST, BadJson, parse_json


def nested(levels: int) -> bytes:
    """Lists and objects by turns."""
    opening = (b"[" if level % 2 else b'{"":' for level in range(levels))
    closing = (b"]" if level % 2 else b"}" for level in reversed(range(levels)))
    return b"".join(opening) + b"0" + b"".join(closing)


def test_the_deepest_value_is_read_and_written_and_one_level_more_is_refused() -> None:
    assert orjson.dumps(parse_json(nested(DEEPEST))) == nested(DEEPEST)
    for levels in (DEEPEST + 1, 254, 255, 1000):
        with pytest.raises(BadJson, match=f"more than {DEEPEST} levels"):
            parse_json(nested(levels))


def test_a_wide_value_is_not_deep() -> None:
    assert len(parse_json(b"[" + b"[],{}," * 1000 + b"[]]")) == 2001


@pytest.mark.parametrize(
    "text",
    [b"", b"NaN", b"[Infinity]", b"1e999", b"9" * 5000, b"\xff", b"\xef\xbb\xbf1", b'"\\ud800"', b"[" * 100_000],
)
def test_what_is_no_strict_json_is_refused_in_a_line(text: bytes) -> None:
    with pytest.raises(BadJson, match="not JSON") as refusal:
        parse_json(text)
    assert "\n" not in str(refusal.value)


@given(st.text() | st.binary())
def test_whatever_is_read_can_be_written(text: str | bytes) -> None:
    try:
        value = parse_json(text)
    except BadJson:
        return
    assert parse_json(orjson.dumps(value)) == value
