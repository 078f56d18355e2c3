"""Models on disk: `<id>.pth` holds the weights, `<id>.json` beside it says what they are and how to check them.

Nothing is unpickled: torch reads weights with `weights_only=True`, everything else is JSON. What is verified is what is
loaded: the file is read once.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from ringrift import __version__
from ringrift.encoding import UnknownVersion
from ringrift.files import new_file
from ringrift.game.errors import UnknownConfig
from ringrift.networks.config import NetworkConfig
from ringrift.networks.errors import DamagedModel, MissingModel, WrongModel
from ringrift.networks.factory import build_network
from ringrift.networks.residual import ResidualNetwork

FORMAT: Final = 1
"""Raised when the layout of these files changes."""
ID_DIGITS: Final = 16
BETWEEN_FILES: Final = 0.2
"""Seconds within which the second file of a model follows the first; what lies between them is a rename."""


@dataclass(frozen=True)
class ModelInfo:
    """What is written about a model, in the file itself and beside it."""

    network: NetworkConfig
    created_by: str
    """The version of RingRift that wrote it."""
    extra: Mapping[str, Any]
    """Whatever its maker wanted kept, such as a training report; JSON."""
    format: int = FORMAT


def save_model(path: Path, network: ResidualNetwork, extra: Mapping[str, Any] | None = None) -> str:
    """Write `<id>.pth` and `<id>.json`, each atomically; the SHA-256 of the former. `extra` must be JSON.

    The `.json` comes last. Who overwrites a model and is interrupted in between leaves a pair that does not load, with
    an error that says so, rather than one that is not what it claims.
    """
    content, sidecar = _packed(network, extra)
    _write(path, content, sidecar)
    return str(sidecar["sha256"])


def add_model(folder: Path, network: ResidualNetwork, extra: Mapping[str, Any] | None = None) -> Path:
    """Write a model into a folder, named after its id; the path of the `.pth`. `extra` must be JSON."""
    content, sidecar = _packed(network, extra)
    path = folder / f"{sidecar['sha256'][:ID_DIGITS]}.pth"
    _write(path, content, sidecar)
    return path


def _packed(network: ResidualNetwork, extra: Mapping[str, Any] | None) -> tuple[bytes, dict[str, Any]]:
    """What stands in the two files of a model: the same for the same weights and the same `extra`."""
    info = asdict(ModelInfo(network.config, __version__, dict(extra or {})))
    weights = {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
    buffer = io.BytesIO()
    torch.save({"info": json.dumps(info), "weights": weights}, buffer)
    content = buffer.getvalue()
    return content, info | {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _write(path: Path, content: bytes, sidecar: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path) as file:
        file.write(content)
    with new_file(_sidecar(path)) as file:
        file.write((json.dumps(sidecar, indent=1) + "\n").encode())


def load_model(
    path: Path,
    *,
    board: str | None = None,
    players: int | None = None,
    features: str | None = None,
    device: str | torch.device = "cpu",
) -> ResidualNetwork:
    """The network of a `.pth` file, verified, in evaluation mode, on the device.

    Raises `MissingModel`, `DamagedModel`, or `WrongModel` when it is for another board, number of players or
    feature version than asked (None accepts any), or from a version of RingRift that knows more than this one.
    """
    content = _verified(path)
    info, weights = _parse(path, content)
    asked = {"board": board, "players": players, "features": features}
    for name, wanted in asked.items():
        found = getattr(info.network, name)
        if wanted is not None and found != wanted:
            raise WrongModel(f"{path}: made for {name} {found}, not {wanted}: choose a model of that config")
    network = build_network(info.network)
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for name in sorted(expected.keys() | shapes.keys()):
        if expected.get(name) != shapes.get(name):
            raise WrongModel(
                f"{path}: weights {name} have shape {shapes.get(name)}, but {info.network.architecture} needs"
                f" {expected.get(name)}: written by RingRift {info.created_by}, this is {__version__}; train it anew or"
                " use that version"
            )
    network.load_state_dict(weights)
    return network.eval().to(device)


def read_info(path: Path) -> ModelInfo:
    """What is known of a `.pth` file, from the `.json` beside it; the weights are not read or verified."""
    sidecar = _read_sidecar(path)
    return _info(_sidecar(path), {field.name: sidecar.get(field.name) for field in fields(ModelInfo)})


def read_id(path: Path) -> str:
    """The id of a model, 16 hexadecimal digits of its SHA-256, from the `.json` beside the `.pth` file."""
    checksum = _read_sidecar(path).get("sha256")
    if not isinstance(checksum, str):
        raise DamagedModel(f"{_sidecar(path)}: does not describe a model: copy both files again")
    return checksum[:ID_DIGITS]


def _sidecar(path: Path) -> Path:
    return path.with_suffix(".json")


def _read_sidecar(path: Path) -> dict[str, Any]:
    try:
        sidecar = json.loads(_sidecar(path).read_bytes())
    except FileNotFoundError:
        raise MissingModel(f"{_sidecar(path)}: not found, so {path.name} cannot be checked: copy both files") from None
    except OSError as error:
        raise MissingModel(f"{_sidecar(path)}: cannot be read ({error.strerror or error})") from None
    except ValueError:
        raise DamagedModel(f"{_sidecar(path)}: not JSON: copy both files again") from None
    if not isinstance(sidecar, dict) or not isinstance(sidecar.get("bytes"), int):
        raise DamagedModel(f"{_sidecar(path)}: does not describe a model: copy both files again")
    return sidecar


def _verified(path: Path) -> bytes:
    """The bytes of a `.pth` file that are what was written.

    Who replaces a model replaces its two files one after the other: if they do not match, but change, they are read
    again.
    """
    while True:
        before = _stamps(path)
        try:
            return _read_pair(path)
        except DamagedModel:
            time.sleep(BETWEEN_FILES)
            if _stamps(path) == before:
                raise


def _stamps(path: Path) -> list[tuple[int, int]]:
    """What tells whether the two files are still the same: inode and time of each that is there."""
    found = []
    for file in (path, _sidecar(path)):
        with suppress(OSError):
            status = file.stat()
            found.append((status.st_ino, status.st_mtime_ns))
    return found


def _read_pair(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise MissingModel(f"{path}: no such model") from None
    except OSError as error:
        raise MissingModel(f"{path}: cannot be read ({error.strerror or error})") from None
    sidecar = _read_sidecar(path)
    if len(content) < sidecar["bytes"]:
        raise DamagedModel(f"{path}: cut off, {len(content)} of {sidecar['bytes']} bytes: copy it again")
    if hashlib.sha256(content).hexdigest() != sidecar.get("sha256"):
        raise DamagedModel(f"{path}: the checksum differs from {_sidecar(path).name}: copy both files again")
    return content


def _parse(path: Path, content: bytes) -> tuple[ModelInfo, dict[str, Tensor]]:
    """What a file says about its weights, and the weights."""
    try:
        stored = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        raw, weights = json.loads(stored["info"]), stored["weights"]
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, TypeError):
        raise DamagedModel(f"{path}: not a model that RingRift wrote") from None
    if not isinstance(weights, dict) or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise DamagedModel(f"{path}: not a model that RingRift wrote")
    return _info(path, raw), weights


def _info(path: Path, raw: Any) -> ModelInfo:
    try:
        found = raw["format"]
        if found != FORMAT:
            raise WrongModel(f"{path}: model format {found}, this version of RingRift reads {FORMAT}: update it")
        network = raw["network"]
        config = NetworkConfig(**network | {"input_scales": tuple(network["input_scales"])})
        return ModelInfo(config, raw["created_by"], raw["extra"])
    except (UnknownConfig, UnknownVersion) as error:
        raise WrongModel(f"{path}: {error}; it was written by RingRift {raw['created_by']}") from None
    except (KeyError, TypeError):
        raise DamagedModel(f"{path}: does not describe a network") from None
