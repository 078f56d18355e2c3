"""A description that is damaged, or made to do damage, is refused in a line that names the file and the field."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ringrift.networks import DamagedModel, MissingModel, WrongModel, load_model, read_id, read_info, save_model
from ringrift.networks.description import read_sidecar
from ringrift.networks.tensors import read_tensors
from ringrift.strict_json import DEEPEST

TRAINING = {"run": "r1", "parent": None, "dataset": {"games": 3, "provenance": {"steps": [{"games": 5}]}}}


@pytest.fixture
def path(make_network, tmp_path: Path) -> Path:
    path = tmp_path / "one.pth"
    save_model(path, make_network("hex8", 3), {"training": TRAINING})
    return path


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


FIELDS: dict[str, list[Any]] = {
    "extra.training.dataset": [[1], None, "hex8", 1],
    "extra.training.dataset.provenance": [[1], None],
    "extra.training.dataset.provenance.steps": [{}, None, [[]], [{"games": -1}], [{"games": 1.5}]],
    "extra.training.dataset.games": ["many", -1, 10**18, True],
    "extra.training.created": ["yesterday", -1, 10**15, 1e9],
    "extra.training.run": ["../../etc", "a/b", "", 7, "x" * 1000],
    "extra.training.parent": ["../best", 7, "zz"],
    "extra.training": [[], None, "by hand"],
    "extra": [None, []],
    "network": [None, [], "small"],
    "network.board": [None, [], 8],
    "network.players": ["two", [2], None],
    "network.input_scales": [None, "1", [None], [0], [-1]],
    "created_by": [None, 1],
    "format": [None, "1", [1]],
    "sha256": [None, "00", 0],
    "bytes": [None, "many", -1],
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_is_not_what_it_should_be_is_named(path: Path, field: str) -> None:
    sound = path.with_suffix(".json").read_text()
    *way, last = field.split(".")
    for value in FIELDS[field]:
        content = json.loads(sound)
        inner = content
        for name in way:
            inner = inner[name]
        inner[last] = value
        path.with_suffix(".json").write_text(json.dumps(content))
        with pytest.raises(DamagedModel) as refusal:
            read_info(path)
        assert str(refusal.value).startswith(f"{path.with_suffix('.json')}: does not describe a model ({field}")
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xef\xbb\xbf{}",
        '{"format": 1}'.encode("utf-16"),
        b"\xff\xfe",
        b'{"format": NaN}',
        deep(1000).encode(),
        deep(100_000).encode(),
        b'{"extra": ' + deep(DEEPEST).encode() + b"}",
    ],
    ids=["empty", "mark", "utf-16", "no text", "nan", "deep", "very deep", "deeper than is written"],
)
def test_a_file_that_is_no_strict_json_is_refused(path: Path, content: bytes) -> None:
    path.with_suffix(".json").write_bytes(content)
    for read in (read_info, read_id, load_model):
        with pytest.raises(DamagedModel, match=r"one\.json: (not JSON|nested more)"):
            read(path)


@given(content=st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(json.dumps).map(str.encode))
def test_any_content_is_a_description_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(content)
    with pytest.raises(DamagedModel):
        read_sidecar(path)


def test_what_is_no_file_is_refused(path: Path) -> None:
    (path.parent / "folder.pth").mkdir()
    (path.parent / "folder.json").mkdir()
    for read in (read_info, read_id, load_model):
        with pytest.raises(MissingModel, match=r"folder\..*: cannot be read"):
            read(path.parent / "folder.pth")
    path.with_suffix(".json").unlink()
    path.with_suffix(".json").symlink_to("/dev/zero")
    with pytest.raises(MissingModel, match="is no plain file"):
        read_info(path)


def test_numbers_that_are_not_finite_are_written_as_null(make_network, tmp_path: Path) -> None:
    save_model(tmp_path / "a.pth", make_network("hex8", 3), {"loss": float("nan")})
    assert read_info(tmp_path / "a.pth").extra == {"loss": None}
    load_model(tmp_path / "a.pth")


def test_a_compressed_archive_of_tensors_is_refused_unread(path: Path) -> None:
    plain, packed = io.BytesIO(), io.BytesIO()
    torch.save({"weights": torch.zeros(1_000_000)}, plain)
    with zipfile.ZipFile(plain) as archive, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb:
        for entry in archive.infolist():
            bomb.writestr(entry.filename, archive.read(entry))
    assert read_tensors(plain.getvalue()).keys() == {"weights"}
    assert len(packed.getvalue()) < len(plain.getvalue()) / 100
    with pytest.raises(ValueError, match="not what torch writes"):
        read_tensors(packed.getvalue())


@given(noise=st.binary(max_size=300))
def test_any_noise_is_no_tensors(noise: bytes) -> None:
    with pytest.raises(ValueError, match="not what torch writes"):
        read_tensors(noise)


def test_another_version_is_told_from_a_damage(path: Path) -> None:
    content = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps(content | {"format": 2, "network": "new"}))
    with pytest.raises(WrongModel, match="model format 2"):
        read_info(path)
