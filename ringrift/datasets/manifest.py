"""The manifest of a data set: which shards belong to it, and where its samples come from.

A data set of the name `square8_2p` in a folder is `square8_2p.json`, the manifest, and the shards that it names, such
as `square8_2p-3f0c9a5be2d47718.npz`; if it is a single one, `square8_2p.npz` is a link to it. The games held out from
training are the data set `square8_2p.holdout`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

from pydantic import ValidationError

from ringrift.datasets.layout import BadDataset, Layout
from ringrift.encoding import UnknownVersion
from ringrift.files import new_file
from ringrift.game import UnknownConfig
from ringrift.settings import Settings

FORMAT: Final = 3
"""Shards of format 2 had other names for their members; they are still read (`layout.py`)."""
SUFFIX: Final = ".json"
HOLDOUT: Final = ".holdout"


class Shard(Settings):
    """A file of samples."""

    name: str
    samples: int
    games: int
    bytes: int
    sha256: str


class Manifest(Settings):
    """The manifest of a data set."""

    format: Literal[2, 3]
    config: str
    encoder: str
    part: Literal["training", "holdout"]
    holdout_share: float
    samples: int
    policies: int
    """The number of samples that have a policy."""
    games: int
    shards: tuple[Shard, ...]
    provenance: dict[str, Any]
    """The selection of games and its statistics; see `export.py`."""

    @property
    def layout(self) -> Layout:
        """The config and the encoding of its shards."""
        return Layout(self.config, self.encoder)


def dataset_name(config: str, part: str) -> str:
    """Return the name of the data set of a config."""
    return config + (HOLDOUT if part == "holdout" else "")


def manifest_path(folder: Path, name: str) -> Path:
    """Return the path of the manifest of a data set."""
    return folder / f"{name}{SUFFIX}"


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write a manifest, whole or not at all; raise `UnwritableFile` if it cannot be written."""
    with new_file(path) as file:
        file.write(manifest.model_dump_json(indent=1).encode() + b"\n")


def read_manifest(path: Path) -> Manifest:
    """Read a manifest; raise `BadDataset` that says what is wrong with it."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        folder = path.with_suffix("")
        if folder.is_dir():
            names = ", ".join(sorted(other.stem for other in folder.glob(f"*{SUFFIX}")))
            raise BadDataset(f"{folder}: is a folder; name one of the data sets in it: {names or 'none'}") from None
        raise BadDataset(f"{path}: there is no such data set; `ringrift dataset export` makes one") from None
    except OSError as error:
        raise BadDataset(f"{path}: cannot be read ({error.strerror or error})") from None
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors()[0]
        if problem["loc"] == ("format",) and isinstance(problem.get("input"), int):
            raise BadDataset(
                f"{path}: is of format {problem['input']}, this program reads {FORMAT} and 2; export the data set again"
            ) from None
        where = ".".join(map(str, problem["loc"])) or "the whole file"
        raise BadDataset(f"{path}: is no manifest of a data set ({where}: {problem['msg']})") from None
    try:
        Layout(manifest.config, manifest.encoder)
    except (UnknownConfig, UnknownVersion) as error:
        raise BadDataset(f"{path}: {error}") from None
    if any(Path(shard.name).name != shard.name for shard in manifest.shards):
        raise BadDataset(f"{path}: names a shard outside its folder")
    return manifest


def find_manifest(dataset: Path) -> Path:
    """Return the manifest of a data set named without a suffix, by its manifest, or by the link to its shard."""
    if not dataset.name:  # as of "" and "/"
        raise BadDataset(f"{str(dataset)!r} names no data set, but a folder")
    if dataset.suffix in (SUFFIX, ".npz"):
        return dataset.with_suffix(SUFFIX)
    return dataset.with_name(dataset.name + SUFFIX)
