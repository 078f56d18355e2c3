"""Settings from YAML: where the files are, and reading them into typed models that say what is wrong in them."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from ringrift.game.errors import RingRiftError
from ringrift.game.files import with_home


class BadSettings(RingRiftError):
    """A file of settings that is missing, is no YAML, or says what is not allowed."""


class Settings(BaseModel):
    """What every model of settings agrees on: no unknown fields, no conversions, nothing infinite."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=Settings)


def folder_of(variable: str) -> Path | None:
    """Return the folder that a variable of the environment names, None if it names none."""
    named = os.environ.get(variable)
    return with_home(named) if named else None


def home_folder(otherwise: Path = Path()) -> Path:
    """The folder that `data/` and `models/` are in: `RINGRIFT_HOME`, else another, by default the working folder."""
    return folder_of("RINGRIFT_HOME") or otherwise


def config_folder() -> Path:
    """The folder of all settings: `RINGRIFT_CONFIG_DIR`, else `include/config` of the checkout."""
    return folder_of("RINGRIFT_CONFIG_DIR") or Path(__file__).parent.parent / "include" / "config"


def read_settings(path: Path, model: type[Model]) -> Model:
    """Read a YAML file into a model; `BadSettings` names the file, the field, its line, and what is allowed there."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise BadSettings(f"{path}: there is no such file; RINGRIFT_CONFIG_DIR names the folder of settings") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: cannot be read ({error})") from None
    try:
        content = yaml.load(text, _Loader)  # a SafeLoader
    except yaml.YAMLError as error:
        raise BadSettings(f"{path}: is no YAML: {' '.join(str(error).split())}") from None
    return check_settings({} if content is None else content, model, str(path), text)


def check_settings(content: object, model: type[Model], where: str, text: str = "") -> Model:
    """Make a model of what stands `where`; `BadSettings` names the field and what is allowed there.

    `text` is the YAML that the content was read from, if it was: then the line of the field is named, too.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        said = (_complaint(problem, model) + _line(text, problem["loc"]) for problem in error.errors())
        raise BadSettings(f"{where}: {'; '.join(said)}") from None


def unknown_name(name: str, known: tuple[str, ...]) -> str:
    """What to say about a name that is not known: the one that was probably meant, or all."""
    close = get_close_matches(name, known, n=1)
    return f"unknown; did you mean {close[0]!r}?" if close else f"unknown; known are {', '.join(known)}"


def _complaint(problem: Any, model: type[BaseModel]) -> str:
    """One problem that pydantic has found, as `field: what is wrong`."""
    where = ".".join(map(str, problem["loc"])) or "the whole file"
    if problem["type"] == "missing":
        return f"{where}: is missing"
    if problem["type"] == "extra_forbidden":
        known = tuple(model.model_fields) if len(problem["loc"]) == 1 else ()
        return f"{where}: {unknown_name(where, known) if known else 'unknown'}"
    if problem["type"] in ("model_type", "dict_type"):
        return f"{where}: should hold names with values, not {problem['input']!r}"
    if problem["type"] == "value_error":  # of a validator of ours, which says what it has found
        return f"{where}: {problem['ctx']['error']}"
    found = "" if isinstance(problem["input"], (dict, list)) else f", not {problem['input']!r}"
    return f"{where}: {problem['msg'][0].lower()}{problem['msg'][1:]}{found}"


def _line(text: str, field: Sequence[int | str]) -> str:
    """Which line of YAML a field stands in, or the innermost that should hold it; nothing if that is the whole file."""
    node, line = yaml.compose(text, _Loader), 0
    for part in field:
        if isinstance(node, yaml.MappingNode):
            inner = next((pair for pair in node.value if pair[0].value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            inner = (node.value[part], node.value[part])
        else:
            break
        if inner is None:
            break
        line, node = inner[0].start_mark.line + 1, inner[1]
    return f" (line {line})" if line else ""


class _Loader(yaml.SafeLoader):
    """A loader that refuses a key that stands there twice; YAML's own keeps the last one in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping from its node."""
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key!r} stands there twice", node.value[index][0].start_mark
                )
        return super().construct_mapping(node, deep=deep)
