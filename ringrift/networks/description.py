"""The description of a model, in its `.json` file and in its `.pth` file, checked where it comes in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ringrift.bounded import read_bounded
from ringrift.networks.errors import DamagedModel, MissingModel
from ringrift.strict_json import BadJson, parse_json

LARGEST: Final = 16_000_000
"""Bytes of a `.json` file."""

Whole = Annotated[int, Field(ge=0, lt=2**53)]


class _Described(BaseModel):
    """A part of a description: strict in what we read from it, and open for more."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow", allow_inf_nan=False)


class _Network(_Described):
    architecture: str
    board: str
    players: int
    features: str
    input_scales: Annotated[list[Annotated[float, Field(gt=0)]], Field(max_length=1024)]
    input_globals: int


class _ExportStep(_Described):
    games: Whole


class _Provenance(_Described):
    steps: list[_ExportStep] = []


class _Dataset(_Described):
    identity: str = ""
    games: Whole = 0
    provenance: _Provenance = _Provenance()


class _Training(_Described):
    """The entries of a training that something depends on."""

    run: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")] = ""
    parent: Annotated[str, Field(pattern=r"^[0-9a-f]{4,64}$")] | None = None
    created: Annotated[int, Field(ge=0, lt=2**33)] | None = None
    dataset: _Dataset = _Dataset()


class _Extra(_Described):
    training: _Training = _Training()


class Description(_Described):
    """The description of a model."""

    format: int
    network: _Network
    created_by: Annotated[str, Field(max_length=100)]
    extra: _Extra


class Sidecar(_Described):
    """The `.json` file of a model, beyond its description."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Whole


def read_sidecar(path: Path) -> dict[str, Any]:
    """Return what the `.json` file of a model says; `MissingModel` or `DamagedModel` if that is nothing."""
    try:
        content = parse_json(read_bounded(path, LARGEST))
    except FileNotFoundError:
        weights = path.with_suffix(".pth").name
        raise MissingModel(f"{path}: not found, so {weights} cannot be checked: copy both files") from None
    except OSError as error:
        raise MissingModel(f"{path}: cannot be read ({error.strerror or error})") from None
    except BadJson as error:
        raise DamagedModel(f"{path}: {error}: copy both files again") from None
    return checked(Sidecar, content, path)


def checked(kind: type[_Described], content: Any, path: Path) -> dict[str, Any]:
    """Return what stands in a file if it is of a kind; `DamagedModel` names the field that is wrong."""
    try:
        kind.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(map(str, problem["loc"])) or "the whole"
        message = f"{problem['msg'][0].lower()}{problem['msg'][1:]}"
        raise DamagedModel(f"{path}: does not describe a model ({field}: {message}): copy both files again") from None
    return dict(content)
