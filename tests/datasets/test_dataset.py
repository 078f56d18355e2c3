"""Shards are mapped, and what is wrong with a data set is said in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ringrift.datasets import BadDataset, open_dataset
from ringrift.datasets.layout import MEMBERS
from ringrift.errors import RingRiftError
from ringrift.run_context import no_progress
from tests.contexts import record
from tests.datasets.synthetic import COUNTS, random_dataset, random_members, write_dataset


def complaint(path: Path) -> str:
    """What opening and verifying a data set says."""
    with pytest.raises(BadDataset) as caught:
        open_dataset(path).verify(no_progress)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_members_are_what_was_written(tmp_path: Path) -> None:
    dataset = open_dataset(random_dataset(tmp_path))
    assert dataset.samples == sum(COUNTS)
    for seed, arrays in enumerate(dataset.shards):
        written = random_members(seed, COUNTS[seed])
        for name in MEMBERS:
            assert arrays[name].dtype == written[name].dtype
            assert (arrays[name] == written[name]).all()
            assert not arrays[name].flags.owndata and not arrays[name].flags.writeable


def test_a_data_set_is_found_by_its_name(tmp_path: Path) -> None:
    path = random_dataset(tmp_path)
    assert open_dataset(path.with_suffix("")).path == path


def test_checksums_are_compared_on_demand(tmp_path: Path) -> None:
    path = random_dataset(tmp_path)
    steps: list[Any] = []
    open_dataset(path).verify(record(steps))
    assert steps == [("checking files", done, 3, "") for done in (1, 2, 3)]
    shard = tmp_path / "hex8_3p-00002.npz"
    content = bytearray(shard.read_bytes())
    content[content.index(b"features.npy") + 1000] ^= 1
    shard.write_bytes(content)
    assert f"{shard}: the checksum differs from that in hex8_3p.json" in complaint(path)


def sound() -> dict[str, Any]:
    return random_members(0, 9)


def replaced(path: Path, old: bytes, new: bytes) -> None:
    path.write_bytes(path.read_bytes().replace(old, new, 1))


DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "cut off": (lambda path: path.write_bytes(path.read_bytes()[:-1000]), "is damaged"),
    "empty": (lambda path: path.write_bytes(b""), "is damaged"),
    "no zip file": (lambda path: path.write_bytes(b"something else" * 100), "is damaged"),
    "missing": (lambda path: path.unlink(), "there is no such file"),
    "foreign": (lambda path: np.savez(path, x=np.zeros(3)), "is missing"),
    "compressed": (lambda path: np.savez_compressed(path, **sound()), "is compressed"),
    "one sample less": (lambda path: np.savez(path, **random_members(0, 8)), "holds 8 samples, not 9"),
    "other players": (
        lambda path: np.savez(path, **random_members(0, 9, players=2)),
        "outcome_values is float32 (9, 2)",
    ),
    "other board": (lambda path: np.savez(path, **random_members(0, 9, "square8")), "features is uint8 (9, 28, 8, 8)"),
    "other type": (
        lambda path: np.savez(path, **sound() | {"sample_weights": np.ones(9)}),
        "sample_weights is float64",
    ),
    "shares without actions": (
        lambda path: np.savez(path, **sound() | {"policy_probs": np.ones(2, np.uint16)}),
        "policy_actions and policy_probs differ in length",
    ),
    "column-major": (
        lambda path: np.savez(path, **sound() | {"ownership": np.asfortranarray(sound()["ownership"])}),
        "is in another order",
    ),
    "no array": (lambda path: replaced(path, b"\x93NUMPY", b"\x93NUMPX"), "is damaged"),
    "damaged header": (lambda path: replaced(path, b"'descr'", b"'descr("), "is damaged"),
}


@pytest.mark.parametrize(("change", "said"), DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_shard_is_one_line(tmp_path: Path, change: Callable[[Path], Any], said: str) -> None:
    path = random_dataset(tmp_path, (9,))
    shard = tmp_path / "hex8_3p-00000.npz"
    change(shard)
    message = complaint(path)
    assert message.startswith(f"{shard}: ")
    assert said in message


BAD_MANIFESTS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown config": ({"config": "hex9_3p"}, "'hex9_3p'"),
    "unknown features": ({"encoder": "v0"}, "v0"),
    "empty": ({"samples": 0, "shards": []}, "has no samples"),
    "an empty shard": (
        {"shards": [{"name": "a.npz", "samples": 0, "games": 1, "bytes": 9, "sha256": ""}]},
        "lists a.npz with 0 samples",
    ),
}


@pytest.mark.parametrize(("change", "said"), BAD_MANIFESTS.values(), ids=BAD_MANIFESTS.keys())
def test_a_manifest_of_nothing_to_learn_is_one_line(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = random_dataset(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    message = complaint(path)
    assert message.startswith(f"{path}: ")
    assert said in message


@pytest.mark.filterwarnings("ignore:Data type alias")  # a header that says a8 for i8
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


def test_equal_data_sets_have_the_same_identity(tmp_path: Path) -> None:
    first = random_dataset(tmp_path)
    other = tmp_path / "copy"
    shutil.copytree(tmp_path, other)
    assert open_dataset(first).identity == open_dataset(other / first.name).identity
    content = json.loads(first.read_text())
    content["shards"].reverse()
    first.write_text(json.dumps(content))
    assert open_dataset(first).identity != open_dataset(other / first.name).identity
