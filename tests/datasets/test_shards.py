"""Shards are mapped, and what is wrong with a file is said in one line."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ringrift.datasets import DamagedDataset, MissingDataset, Shard, open_dataset, read_manifest
from ringrift.datasets.shards import MEMBERS
from ringrift.game import RingRiftError
from tests.datasets.shards import COUNTS, random_dataset, random_members, write_dataset, write_npz


def complaint(path: Path) -> str:
    """What opening and verifying a dataset says."""
    with pytest.raises(DamagedDataset) as caught:
        open_dataset(path).verify()
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_members_are_what_was_written(tmp_path: Path) -> None:
    dataset = open_dataset(random_dataset(tmp_path))
    assert (dataset.samples, dataset.board.name, dataset.players) == (sum(COUNTS), "hex8", 3)
    assert tuple(MEMBERS) == Shard._fields
    for seed, shard in enumerate(dataset.shards):
        written = random_members(seed, COUNTS[seed])
        for name in Shard._fields:
            read = getattr(shard, name)
            assert read.dtype == written[name].dtype
            assert (read == written[name]).all()
            assert not read.flags.owndata and not read.flags.writeable


def test_files_of_numpy_itself_are_read(tmp_path: Path) -> None:
    path = random_dataset(tmp_path, (5,))
    members = random_members(0, 5)
    np.savez(tmp_path / "hex8_3p-00000.npz", **members)
    assert (open_dataset(path).shards[0].features == members["features"]).all()


def test_checksums_are_compared_on_demand(tmp_path: Path) -> None:
    dataset = open_dataset(random_dataset(tmp_path))
    steps: list[int] = []
    dataset.verify(steps.append)
    assert sum(steps) == sum(path.stat().st_size for path in dataset.paths)
    content = bytearray(dataset.paths[2].read_bytes())
    content[content.index(b"features.npy") + 1000] ^= 1
    dataset.paths[2].write_bytes(content)
    assert "hex8_3p-00002.npz: the checksum differs from hex8_3p.json" in complaint(tmp_path / "hex8_3p.json")


def sound() -> dict[str, Any]:
    return random_members(0, 9)


def replaced(path: Path, old: bytes, new: bytes) -> None:
    path.write_bytes(path.read_bytes().replace(old, new, 1))


DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "cut off": (lambda path: path.write_bytes(path.read_bytes()[:-1000]), "is cut off or no NPZ file"),
    "empty": (lambda path: path.write_bytes(b""), "is cut off or no NPZ file"),
    "no zip file": (lambda path: path.write_bytes(b"something else" * 100), "is cut off or no NPZ file"),
    "foreign": (lambda path: write_npz(path, {"x": np.zeros(3)}), "has no member features"),
    "compressed": (lambda path: write_npz(path, sound(), zipfile.ZIP_DEFLATED), "features is compressed"),
    "one sample less": (lambda path: write_npz(path, random_members(0, 8)), "features has the shape (8, 28, 9, 9)"),
    "other players": (lambda path: write_npz(path, random_members(0, 9, players=2)), "values_mp has the shape (9, 2)"),
    "other board": (lambda path: write_npz(path, random_members(0, 9, "square8")), "features has the shape (9, 28, 8"),
    "other type": (lambda path: write_npz(path, sound() | {"weights": np.ones(9)}), "weights holds '<f8'"),
    "other axes": (lambda path: write_npz(path, sound() | {"ply": np.ones((9, 1), np.int32)}), "ply has the shape"),
    "shares without actions": (
        lambda path: write_npz(path, sound() | {"policy_values": np.ones(2, np.uint16)}),
        "policy_values has the shape (2,) in place of L = ",
    ),
    "column-major": (
        lambda path: write_npz(path, sound() | {"owners": np.asfortranarray(sound()["owners"])}),
        "owners is in column-major order",
    ),
    "no array": (lambda path: replaced(path, b"\x93NUMPY", b"\x93NUMPX"), "features is no array"),
    "damaged header": (lambda path: replaced(path, b"'descr'", b"'descr("), "features has a damaged header"),
    "displaced": (lambda path: replaced(path, b"PK\3\4", b"PK\3\5"), "features is not where the table of contents"),
}


@pytest.mark.parametrize(("change", "said"), DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_shard_is_one_line(tmp_path: Path, change: Callable[[Path], Any], said: str) -> None:
    path = random_dataset(tmp_path, (9,))
    shard = tmp_path / "hex8_3p-00000.npz"
    change(shard)
    assert f"{shard}: {said}" in complaint(path)


def manifest(config: str = "hex8_3p", features: str = "v1", name: str = "a.npz", samples: Any = 1) -> dict[str, Any]:
    return {"config": config, "features": features, "shards": [{"name": name, "samples": samples, "sha256": ""}]}


BAD_MANIFESTS = {
    "no object": ([], "is no manifest"),
    "no shards": ({"config": "hex8_3p"}, "is no manifest"),
    "empty": ({**manifest(), "shards": []}, "lists no shards"),
    "unknown config": (manifest(config="hex9_3p"), "'hex9_3p'"),
    "unknown features": (manifest(features="v0"), "v0"),
    "no samples": (manifest(samples=0), "says too little of a.npz"),
    "another folder": (manifest(name="../a.npz"), "'../a.npz' is no name of a file"),
    "samples in words": (manifest(samples="many"), "says too little of a.npz"),
}


@pytest.mark.parametrize(("content", "said"), BAD_MANIFESTS.values(), ids=BAD_MANIFESTS.keys())
def test_a_damaged_manifest_is_one_line(tmp_path: Path, content: Any, said: str) -> None:
    path = tmp_path / "hex8_3p.json"
    path.write_text(json.dumps(content))
    message = complaint(path)
    assert str(path) in message
    assert said in message


def test_a_manifest_that_is_cut_off_is_no_json(tmp_path: Path) -> None:
    path = random_dataset(tmp_path)
    path.write_text(path.read_text()[:-9])
    assert "is no JSON" in complaint(path)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingDataset, match=r"there is no such manifest; export the dataset first"):
        open_dataset(tmp_path / "hex8_3p.json")
    path = random_dataset(tmp_path)
    (tmp_path / "hex8_3p-00001.npz").unlink()
    assert read_manifest(path).samples == sum(COUNTS)
    with pytest.raises(MissingDataset, match=r"00001.npz: there is no such shard, but the manifest lists it"):
        open_dataset(path)


def test_no_damage_to_headers_goes_further_than_one_line(tmp_path: Path) -> None:
    path = write_dataset(tmp_path, [random_members(0, 2)])
    shard = tmp_path / "hex8_3p-00000.npz"
    whole = shard.read_bytes()
    starts = [place for place in range(len(whole)) if whole.startswith((b"PK", b"\x93NUMPY"), place)]
    headers = [place + offset for place in starts for offset in range(60) if place + offset < len(whole)]
    draw = np.random.default_rng(3)
    refused = 0
    for place in draw.choice(headers, 400, replace=False):
        damaged = bytearray(whole)
        damaged[place] = draw.integers(256)
        shard.write_bytes(damaged)
        try:
            open_dataset(path)
        except RingRiftError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 100


def test_equal_datasets_have_the_same_identity(tmp_path: Path) -> None:
    first = random_dataset(tmp_path)
    other = tmp_path / "copy"
    shutil.copytree(tmp_path, other)
    assert read_manifest(first).identity == read_manifest(other / first.name).identity
    listed = json.loads(first.read_text())
    listed["shards"].reverse()
    first.write_text(json.dumps(listed))
    assert read_manifest(first).identity != read_manifest(other / first.name).identity
