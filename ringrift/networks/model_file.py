"""Models on disk: `<id>.pth` holds the weights, `<id>.json` beside it says what they are and how to check them.

Nothing is unpickled: torch reads weights with `weights_only=True`, everything else is JSON. What is verified is what is
loaded: the file is read once.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import orjson
import torch
from torch import Tensor

from ringrift import __version__
from ringrift.bounded import read_bounded
from ringrift.encoding import UnknownVersion
from ringrift.files import new_file
from ringrift.game.errors import UnknownConfig
from ringrift.networks.config import NetworkConfig
from ringrift.networks.description import Description, checked, read_sidecar
from ringrift.networks.errors import DamagedModel, MissingModel, WrongModel
from ringrift.networks.factory import build_network
from ringrift.networks.residual import ResidualNetwork
from ringrift.networks.tensors import read_tensors
from ringrift.strict_json import parse_json

FORMAT: Final = 1
"""The version of the layout of these files."""
ID_DIGITS: Final = 16
LARGEST: Final = 4_000_000_000
"""Bytes of a `.pth` file; the largest network has a hundredth of that."""
BETWEEN_FILES: Final = 0.2
"""Seconds within which the second file of a model follows the first; what lies between them is a rename."""


@dataclass(frozen=True)
class ModelInfo:
    """The description of a model, in the file itself and beside it."""

    network: NetworkConfig
    created_by: str
    """The version of RingRift that wrote it."""
    extra: Mapping[str, Any]
    """The record of its maker, such as a training report; JSON."""
    format: int = FORMAT


def save_model(path: Path, network: ResidualNetwork, extra: Mapping[str, Any] | None = None) -> str:
    """Write `<id>.pth` and `<id>.json`, each atomically; the SHA-256 of the former. `extra` must be JSON.

    The `.json` comes last. A writer that is interrupted in between leaves a pair that does not load, with
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
    """Return the contents of the two files of a model: the same for the same weights and the same `extra`."""
    info = asdict(ModelInfo(network.config, __version__, dict(extra or {})))
    weights = {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
    buffer = io.BytesIO()
    torch.save({"info": _json(info), "weights": weights}, buffer)
    content = buffer.getvalue()
    return content, info | {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _write(path: Path, content: bytes, sidecar: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path) as file:
        file.write(content)
    with new_file(_sidecar(path)) as file:
        file.write((_json(sidecar) + "\n").encode())


def _json(value: object) -> str:
    """Return a value as strict JSON: what is not finite becomes null, or else no reader could parse it."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()


def load_model(
    path: Path,
    *,
    board: str | None = None,
    players: int | None = None,
    features: str | None = None,
    device: str | torch.device = "cpu",
) -> ResidualNetwork:
    """Load the network of a `.pth` file, verified, in evaluation mode, on the device.

    Raises `MissingModel`, `DamagedModel`, or `WrongModel` when it is for another board, number of players or
    feature version than wanted (None accepts any), or from a newer version of RingRift.
    """
    content = _verified(path)
    info, weights = _parse(path, content)
    wanted_config = {"board": board, "players": players, "features": features}
    for name, wanted in wanted_config.items():
        value = getattr(info.network, name)
        if wanted is not None and value != wanted:
            raise WrongModel(f"{path}: made for {name} {value}, not {wanted}: choose a model of that config")
    network = build_network(info.network)
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for name in sorted(expected.keys() | shapes.keys()):
        if expected.get(name) != shapes.get(name):
            raise WrongModel(
                f"{path}: weights {name} have shape {shapes.get(name)}, but {info.network.architecture} needs"
                f" {expected.get(name)}: written by RingRift {info.created_by}, this is {__version__}; train it anew"
                " or use that version"
            )
    network.load_state_dict(weights)
    return network.eval().to(device)


def read_info(path: Path) -> ModelInfo:
    """Read the description of a `.pth` file from the `.json` beside it; the weights are not read or verified."""
    sidecar = read_sidecar(_sidecar(path))
    return _info(_sidecar(path), {field.name: sidecar.get(field.name) for field in fields(ModelInfo)})


def read_id(path: Path) -> str:
    """Read the id of a model, 16 hexadecimal digits of its SHA-256, from the `.json` beside the `.pth` file."""
    if not path.exists():
        raise MissingModel(f"{path}: no such model")
    return str(read_sidecar(_sidecar(path))["sha256"])[:ID_DIGITS]


def _sidecar(path: Path) -> Path:
    return path.with_suffix(".json")


def _verified(path: Path) -> bytes:
    """Read the bytes of a `.pth` file and verify their checksum.

    The two files of a model are replaced one after the other: if they do not match, but change, they are read
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
    """Return inode and time of both files, which show whether they are still the same."""
    stamps = []
    for file in (path, _sidecar(path)):
        with suppress(OSError):
            status = file.stat()
            stamps.append((status.st_ino, status.st_mtime_ns))
    return stamps


def _read_pair(path: Path) -> bytes:
    try:
        content = read_bounded(path, LARGEST)
    except FileNotFoundError:
        raise MissingModel(f"{path}: no such model") from None
    except OSError as error:
        raise MissingModel(f"{path}: cannot be read ({error.strerror or error})") from None
    sidecar = read_sidecar(_sidecar(path))
    if len(content) < sidecar["bytes"]:
        raise DamagedModel(f"{path}: cut off, {len(content)} of {sidecar['bytes']} bytes: copy it again")
    if hashlib.sha256(content).hexdigest() != sidecar["sha256"]:
        raise DamagedModel(f"{path}: the checksum differs from {_sidecar(path).name}: copy both files again")
    return content


def _parse(path: Path, content: bytes) -> tuple[ModelInfo, dict[str, Tensor]]:
    """Parse a file into the description of its weights, and the weights."""
    try:
        stored = read_tensors(content)
        raw, weights = parse_json(stored["info"]), stored["weights"]
    except (ValueError, KeyError, TypeError):
        raise DamagedModel(f"{path}: not a model that RingRift wrote") from None
    if not isinstance(weights, dict) or not all(map(_is_plain, weights.items())):
        raise DamagedModel(f"{path}: not a model that RingRift wrote")
    return _info(path, raw), weights


def _is_plain(entry: tuple[Any, Any]) -> bool:
    """Return whether an entry is a name with numbers that a network can hold."""
    name, tensor = entry
    return (
        isinstance(name, str)
        and isinstance(tensor, Tensor)
        and tensor.layout is torch.strided
        and not (tensor.is_complex() or tensor.is_quantized)
    )


def _info(path: Path, raw: Any) -> ModelInfo:
    version = raw.get("format") if isinstance(raw, dict) else None
    if type(version) is int and version != FORMAT:
        raise WrongModel(f"{path}: model format {version}, this version of RingRift reads {FORMAT}: update it")
    described = checked(Description, raw, path)
    network = described["network"]
    try:
        config = NetworkConfig(**network | {"input_scales": tuple(network["input_scales"])})
    except (UnknownConfig, UnknownVersion) as error:
        raise WrongModel(f"{path}: {error}; it was written by RingRift {described['created_by']}") from None
    except TypeError:
        raise DamagedModel(f"{path}: describes a network with fields that no network has") from None
    return ModelInfo(config, described["created_by"], described["extra"])
