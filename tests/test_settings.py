"""Reading settings: where they are looked for, and what is said about wrong ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ringrift.settings import BadSettings, Settings, config_folder, read_settings


class Kettle(Settings):
    """Settings for these tests."""

    litres: float
    whistles: bool = True


class Kitchen(Settings):
    """Settings within settings."""

    kettle: Kettle
    plates: dict[str, int] | None = None
    spoons: list[int] | None = None


def read(folder: Path, text: str) -> Kitchen:
    path = folder / "kitchen.yaml"
    path.write_text(text)
    return read_settings(path, Kitchen)


def test_a_file_becomes_a_typed_model_with_defaults(tmp_path: Path) -> None:
    found = read(tmp_path, "kettle:\n  litres: 1.5\nplates: {soup: 4}\n")
    assert found == Kitchen(kettle=Kettle(litres=1.5, whistles=True), plates={"soup": 4})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "kettle: is missing"),
        ("kettle: {}", "kettle.litres: is missing"),
        ("kettle: 3", "kettle: should hold names with values, not 3"),
        ("[1, 2]", "the whole file: should hold names with values, not [1, 2]"),
        ("kettle: {litres: 1}\nplates: [1]", "plates: should hold names with values, not [1]"),
        ("kettle: {litres: 1}\nplats: {}", "plats: unknown; did you mean 'plates'?"),
        ("kettle: {litres: 1}\nsink: {}", "sink: unknown; known are kettle, plates, spoons"),
        ("kettle: {litres: 1, colour: red}", "kettle.colour: unknown"),
        ("kettle: {litres: '1'}", "kettle.litres: input should be a valid number, not '1'"),
        ("kettle: {litres: .inf}", "kettle.litres: input should be a finite number, not inf"),
        ("kettle: {litres: 1, whistles: 1}", "kettle.whistles: input should be a valid boolean, not 1"),
        ("kettle: {litres: 1}\nplates: {soup: 1.5}", "plates.soup: input should be a valid integer, not 1.5"),
        (
            "kettle: {litres: a, whistles: b}",
            "kettle.litres: input should be a valid number, not 'a' (line 1); kettle.whistles:",
        ),
        ("kettle: {litres: 1, litres: 2}", "is no YAML: 'litres' stands there twice"),
        ("kettle: [", "is no YAML: while parsing"),
        ("kettle: !!python/object:os.system {}", "is no YAML: there are no tags"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_file_and_field(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="^" + re.escape(f"{tmp_path / 'kitchen.yaml'}: {message}")) as raised:
        read(tmp_path, text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# a kettle\nkettle:\n\n  litres: a\n", "kettle.litres: input should be a valid number, not 'a' (line 4)"),
        (
            "kettle: {litres: 1}\nplates:\n  tea: x",
            "plates.tea: input should be a valid integer, not 'x' (line 3)",
        ),
        ("plates: {}\nkettle:\n  whistles: true", "kettle.litres: is missing (line 2)"),
        ("kettle: {litres: 1}\nsink: {}", "sink: unknown; known are kettle, plates, spoons (line 2)"),
        ("kettle: {litres: 1}\nspoons:\n- 1\n- x", "spoons.1: input should be a valid integer, not 'x' (line 4)"),
        ("kettle: {litres: 1}\nspoons:\n- 1\n- [2, 3]", "spoons.1: input should be a valid integer (line 4)"),
        ("plates: {}", "kettle: is missing"),
        ("[1, 2]", "the whole file: should hold names with values, not [1, 2]"),
    ],
)
def test_the_line_of_a_field_is_named_or_of_what_should_hold_it(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadSettings) as raised:
        read(tmp_path, text)
    assert str(raised.value) == f"{tmp_path / 'kitchen.yaml'}: {said}"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        BadSettings, match=r"nowhere\.yaml: there is no such file; RINGRIFT_CONFIG_DIR names the folder"
    ):
        read_settings(tmp_path / "nowhere.yaml", Kitchen)


def test_what_is_no_text_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "kitchen.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadSettings, match=r"kitchen\.yaml: cannot be read"):
        read_settings(path, Kitchen)
    with pytest.raises(BadSettings, match="cannot be read"):
        read_settings(tmp_path, Kitchen)


def test_settings_are_those_of_the_checkout_unless_another_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RINGRIFT_CONFIG_DIR", raising=False)
    assert config_folder() == Path(__file__).parents[1] / "include" / "config"
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", "/elsewhere")
    assert config_folder() == Path("/elsewhere")
