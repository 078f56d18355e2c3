"""Reading settings: where they are looked for, and what is said about wrong ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ringrift.settings import DEFAULTS, BadSettings, Settings, config_folder, read_config, read_settings


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
    with pytest.raises(BadSettings, match=r"nowhere\.yaml: there is no such file"):
        read_settings(tmp_path / "nowhere.yaml", Kitchen)


def test_what_is_no_text_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "kitchen.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadSettings, match=r"kitchen\.yaml: cannot be read"):
        read_settings(path, Kitchen)
    with pytest.raises(BadSettings, match="cannot be read"):
        read_settings(tmp_path, Kitchen)


def test_overlays_are_those_of_the_checkout_unless_another_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RINGRIFT_CONFIG_DIR", raising=False)
    assert config_folder() == Path(__file__).parents[1] / "include" / "config"
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path))
    assert config_folder() == tmp_path
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(BadSettings, match=r"^RINGRIFT_CONFIG_DIR: .*/nowhere: there is no such folder$"):
        config_folder()


class Shelf(Settings):
    """Three levels of names."""

    boxes: dict[str, dict[str, list[int]]]
    label: str


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The overlay of a file of settings whose defaults are known."""
    defaults, overlays = tmp_path / "defaults", tmp_path / "config"
    defaults.mkdir()
    overlays.mkdir()
    (defaults / "shelf.yaml").write_text("boxes:\n  red: {a: [1, 2], b: [3]}\n  blue: {c: [4]}\nlabel: old\n")
    monkeypatch.setattr("ringrift.settings.DEFAULTS", defaults)
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(overlays))
    return overlays / "shelf.yaml"


@pytest.mark.parametrize(
    ("overlay", "boxes"),
    [
        ("", {"red": {"a": [1, 2], "b": [3]}, "blue": {"c": [4]}}),
        ("boxes:\n  red:\n", {"red": {"a": [1, 2], "b": [3]}, "blue": {"c": [4]}}),
        ("boxes: {red: {a: [9]}}", {"red": {"a": [9], "b": [3]}, "blue": {"c": [4]}}),
        ("boxes: {green: {d: []}}", {"red": {"a": [1, 2], "b": [3]}, "blue": {"c": [4]}, "green": {"d": []}}),
    ],
)
def test_an_overlay_says_only_what_differs(overlay: str, boxes: object, shelf: Path) -> None:
    shelf.write_text(overlay)
    assert read_config("shelf.yaml", Shelf) == Shelf.model_validate({"boxes": boxes, "label": "old"})


def test_what_is_wrong_in_an_overlay_is_said_with_its_line(shelf: Path) -> None:
    shelf.write_text("label: new\nboxes: {red: {a: [x]}}\n")
    with pytest.raises(BadSettings) as wrong:
        read_config("shelf.yaml", Shelf)
    assert str(wrong.value) == f"{shelf}: boxes.red.a.0: input should be a valid integer, not 'x' (line 2)"


def test_a_file_that_nothing_would_read_is_refused(shelf: Path) -> None:
    shelf.with_name("shelves.yml").write_text("label: new\n")
    with pytest.raises(BadSettings, match=r"shelves\.yml: unknown; did you mean 'shelf\.yaml'\?"):
        read_config("shelf.yaml", Shelf)


def test_every_default_stands_beside_what_it_rests_on() -> None:
    """A file without comments has been written by a program, perhaps by a test through a link."""
    for path in DEFAULTS.rglob("*.yaml"):
        assert "#" in path.read_text(), path
