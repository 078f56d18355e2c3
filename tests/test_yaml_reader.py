"""YAML is read as people mean it, and nothing that it may say does harm."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringrift.yaml_reader import DEEPEST, BadYaml, line_of, parse_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3e-4", 3e-4),
        ("3.0e-4", 3e-4),
        ("1e6", 1e6),
        ("-2E+3", -2000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("1_000", 1000),
        ("-7", -7),
        ("yes", True),
        ("off", False),
        ("~", None),
        ("", None),
        ("010", "010"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("0x1F", "0x1F"),
        ("e3", "e3"),
        ("'3e-4'", "3e-4"),
        ("no: 1\non: 2\nnull: 3\n1e3: 4\n5: 6", {"no": 1, "on": 2, "null": 3, "1e3": 4, 5: 6}),
    ],
)
def test_values_are_what_they_look_like(text: str, value: object) -> None:
    assert parse_yaml(text) == value
    assert type(parse_yaml(text)) is type(value)


def test_numbers_that_are_not_finite_are_numbers() -> None:
    assert parse_yaml("[.inf, -.inf]") == [math.inf, -math.inf]
    assert math.isnan(parse_yaml(".nan"))


def test_merge_keys_take_over_what_is_not_said_anew() -> None:
    text = """
laptop: &laptop {games: 10, train: {steps: 5}}
mine: &mine
  <<: *laptop
  games: 20
more:
  <<: [*mine, *laptop]
  extra: 1
"""
    found = parse_yaml(text)
    assert found["mine"] == {"games": 20, "train": {"steps": 5}}
    assert found["more"] == {"games": 20, "train": {"steps": 5}, "extra": 1}


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 12)
)
MERGES = "a0: &a0 {x: 1, y: 2}\n" + "".join(
    f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 10)}]}}\n" for level in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[" * 3000 + "]" * 3000, f"more than {DEEPEST} levels deep"),
        ("[" * 100_000, f"more than {DEEPEST} levels deep"),
        ("a: &a [*a]", "a holds itself"),
        ("a: &a {<<: *a}", "a holds itself"),
        (BOMB, "more than 100,000 values"),
        (MERGES, "more than 100,000 values"),
        ("a: 1\na: 2", "'a' stands there twice"),
        ("no: 1\n'no': 2", "'no' stands there twice"),
        ("<<: {a: 1}\n<<: {b: 1}", "'<<' stands there twice"),
        ("? [a]\n: 1", "a name has to be a word"),
        ("!!python/object:os.system {}", "there are no tags, such as tag:yaml.org,2002:python/object:os.system"),
        ("!!timestamp never", "there are no tags"),
        ("9" * 5000, "4300"),
        (str(2**63), "more than 63 bits"),
        ("-1e300", "more than 63 bits"),
        ("*nobody", "undefined alias"),
        ("<<: 3", "expected a mapping"),
        ("a\0b", "special characters are not allowed"),
        ("--- 1\n--- 2", "expected a single document"),
    ],
    ids=range(19),
)
def test_what_does_harm_or_is_no_yaml_is_refused_in_a_line(text: str, complaint: str) -> None:
    with pytest.raises(BadYaml) as refusal:
        parse_yaml(text)
    assert complaint in str(refusal.value)
    assert "\n" not in str(refusal.value)


WORDS = st.sampled_from(
    ["a", "no", "~", "3e-4", "9" * 4400, "<<", "*a", "&a", "!!int", "!x", "'", '"', "|", ">", "? ", "- ", ": ", "\n  "]
    + ["\n", "{", "}", "[", "]", ", ", "#", "%YAML 1.2", "---", "...", ".inf", "0x", "\t", "\ufeff", "\x85", "é"]
)


@given(st.lists(WORDS, max_size=30).map("".join) | st.text(max_size=50))
def test_any_text_has_a_value_or_is_refused(text: str) -> None:
    try:
        parse_yaml(text)
    except BadYaml as error:
        assert "\n" not in str(error)
    else:
        line_of(text, ["a", 0, "b"])
