"""Settings from YAML: where the files are, and reading them into typed models that say what is wrong in them."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ringrift.bounded import read_bounded
from ringrift.errors import RingRiftError
from ringrift.files import with_home
from ringrift.yaml_reader import BadYaml, line_of, parse_yaml

PACKAGE: Final = Path(__file__).parent
DEFAULTS: Final = PACKAGE / "defaults"
"""The folder of the settings that hold where no overlay says otherwise."""
LARGEST: Final = 1_000_000
"""Bytes of a file of settings."""
MOST_PROBLEMS: Final = 8
LONGEST_QUOTE: Final = 80


class BadSettings(RingRiftError):
    """A file of settings that is missing, is no YAML, or says what is not allowed."""


class Settings(BaseModel):
    """The base of all models of settings: no unknown fields, no conversions, nothing infinite."""

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
    """Return the folder whose files overlay the default settings; `BadSettings` if one is named that is not there.

    It is `RINGRIFT_CONFIG_DIR`, else `include/config` beside the package, as in a checkout or a release on a host, else
    `include/config` of the home folder.
    """
    named = folder_of("RINGRIFT_CONFIG_DIR")
    if named is not None:
        if not named.is_dir():
            raise BadSettings(f"RINGRIFT_CONFIG_DIR: {named}: there is no such folder")
        return named
    beside = PACKAGE.parent / "include" / "config"
    return beside if beside.is_dir() else home_folder() / "include" / "config"


def read_config(name: str, model: type[Model]) -> Model:
    """Read the default settings of that name, such as `loop.yaml`, overlaid by the file of that name, if there is one.

    The overlay holds only what differs: names are merged at every level, everything else is replaced. Raises what
    `read_settings` raises.
    """
    default, overlay = DEFAULTS / name, config_folder() / name
    _refuse_unknown_files(overlay.parent, default.parent)
    if not overlay.exists():
        return read_settings(default, model)
    text, content = _read(overlay)
    return check_settings(merged(_read(default)[1], content), model, str(overlay), text)


def _refuse_unknown_files(folder: Path, defaults: Path) -> None:
    """Refuse a folder with a file of settings that nothing would read, such as `lop.yaml`."""
    known = tuple(sorted(path.name for path in defaults.iterdir()))
    for path in sorted(folder.glob("*.y*ml")):
        if path.name not in known:
            raise BadSettings(f"{path}: {unknown_name(path.name, known)}")


def merged(default: Any, overlay: Any) -> Any:
    """Return content of YAML with an overlay: mappings merged at every level, everything else replaced."""
    if isinstance(default, dict) and overlay is None:  # a name whose fields are all commented out
        return default
    if not (isinstance(default, dict) and isinstance(overlay, dict)):
        return overlay
    return default | {name: merged(default.get(name), value) for name, value in overlay.items()}


def read_settings(path: Path, model: type[Model]) -> Model:
    """Read a YAML file into a model; `BadSettings` names the file, the field, its line, and what is allowed there."""
    text, content = _read(path)
    return check_settings(content, model, str(path), text)


def _read(path: Path) -> tuple[str, Any]:
    """Return a YAML file as text and as content."""
    try:
        text = read_bounded(path, LARGEST).decode()
    except FileNotFoundError:
        raise BadSettings(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    try:
        content = copy.deepcopy(_parsed(text))
    except BadYaml as error:
        raise BadSettings(f"{path}: is no YAML: {error}") from None
    return text, {} if content is None else content


@lru_cache(maxsize=64)
def _parsed(text: str) -> Any:
    """Return what a YAML text says: files are read each time, but taking one apart costs a hundred times that."""
    return parse_yaml(text)


def check_settings(content: object, model: type[Model], where: str, text: str = "") -> Model:
    """Make a model of what stands `where`; `BadSettings` names the field and what is allowed there.

    `text` is the YAML that the content was read from, if it was: then the line of the field is named, too.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = error.errors()
        complaints = [_complaint(problem, model) + _line(text, problem["loc"]) for problem in problems[:MOST_PROBLEMS]]
        complaints += [f"and {more} more" for more in [len(problems) - MOST_PROBLEMS] if more > 0]
        raise BadSettings(f"{where}: {'; '.join(complaints)}") from None


def unknown_name(name: str, known: tuple[str, ...]) -> str:
    """Return the advice for a name that is not known: the one that was probably meant, or all."""
    close = get_close_matches(name, known, n=1)
    return f"unknown; did you mean {close[0]!r}?" if close else f"unknown; known are {', '.join(known)}"


def _complaint(problem: Any, model: type[BaseModel]) -> str:
    """Return a problem of pydantic's as `field: what is wrong`."""
    where = ".".join(map(str, problem["loc"])) or "the whole file"
    if problem["type"] == "missing":
        return f"{where}: is missing"
    if problem["type"] == "extra_forbidden":
        known = tuple(model.model_fields) if len(problem["loc"]) == 1 else ()
        return f"{where}: {unknown_name(where, known) if known else 'unknown'}"
    if problem["type"] in ("model_type", "dict_type"):
        return f"{where}: should hold names with values, not {_short(problem['input'])}"
    if problem["type"] == "value_error":  # of a validator of ours, which words it
        return f"{where}: {problem['ctx']['error']}"
    given = "" if isinstance(problem["input"], (dict, list)) else f", not {_short(problem['input'])}"
    return f"{where}: {problem['msg'][0].lower()}{problem['msg'][1:]}{given}"


def _line(text: str, field: Sequence[int | str]) -> str:
    """Name the line of YAML that a field stands in, or the innermost that should hold it; nothing if there is none."""
    line = line_of(text, field) if text else None
    return f" (line {line})" if line else ""


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= LONGEST_QUOTE else f"{shown[:LONGEST_QUOTE]}…"
