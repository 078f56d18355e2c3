from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest
import torch

from ringrift import __version__
from ringrift.errors import UnwritableFile
from ringrift.networks import DamagedModel, MissingModel, WrongModel, load_model, read_info, save_model


@pytest.fixture
def path(make_network, tmp_path) -> Path:
    """A saved model of hex8, three players."""
    path = tmp_path / "models" / "hex8_3p" / "one.pth"
    save_model(path, make_network("hex8", 3), {"loss": 1.5})
    return path


def complaint(kind, path, **asked) -> str:
    """The one line with which a file is refused."""
    with pytest.raises(kind) as caught:
        load_model(path, **asked)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(str(path.with_suffix("")))
    return line


def rewrite(path, change):
    """Change what a model file holds, checksum included: what another version could have written."""
    stored = torch.load(path, weights_only=True)
    info = json.loads(stored["info"])
    change(info, stored["weights"])
    replace(path, {"info": json.dumps(info), "weights": stored["weights"]})


def replace(path, stored):
    buffer = io.BytesIO()
    torch.save(stored, buffer)
    path.write_bytes(buffer.getvalue())
    sidecar = json.loads(path.with_suffix(".json").read_text())
    sidecar |= {"bytes": len(buffer.getvalue()), "sha256": hashlib.sha256(buffer.getvalue()).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(sidecar))


@pytest.mark.parametrize("board", ["square8", "hex8"])
def test_a_saved_network_answers_as_before(make_network, make_inputs, tmp_path, board):
    network = make_network(board, 4)
    inputs = make_inputs(network.config, 4)
    save_model(tmp_path / "a.pth", network)
    loaded = load_model(tmp_path / "a.pth", board=board, players=4, features=network.config.features)
    assert loaded.config == network.config
    assert not loaded.training
    with torch.inference_mode():
        for one, two in zip(network(*inputs), loaded(*inputs), strict=True):
            assert torch.equal(one, two)


def test_the_file_beside_it_tells_what_it_is(path, make_network):
    info = read_info(path)
    assert info.network == make_network("hex8", 3).config
    assert info.created_by == __version__
    assert info.extra == {"loss": 1.5}
    sidecar = json.loads(path.with_suffix(".json").read_text())
    assert sidecar["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert sorted(file.name for file in path.parent.iterdir()) == ["one.json", "one.pth"]


def test_a_write_that_fails_leaves_what_was_there(path, make_network, monkeypatch):
    def refuse(self, target):
        raise OSError("no space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(UnwritableFile, match="no space left"):
        save_model(path, make_network("square8", 2))
    assert path.read_bytes() == before
    assert sorted(file.name for file in path.parent.iterdir()) == ["one.json", "one.pth"]


def test_missing_files(path, tmp_path):
    assert "no such model" in complaint(MissingModel, tmp_path / "none.pth")
    path.with_suffix(".json").unlink()
    assert "copy both files" in complaint(MissingModel, path)


def test_a_file_that_is_cut_off(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert f"cut off, {len(content) // 2} of {len(content)} bytes" in complaint(DamagedModel, path)


def test_a_file_with_one_bit_changed(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "checksum differs from one.json" in complaint(DamagedModel, path)


def test_a_model_that_is_replaced_while_it_is_read_is_read_again(path, make_network, tmp_path, monkeypatch):
    new = tmp_path / "new.pth"
    save_model(new, make_network("hex8", 4))
    new.with_suffix(".json").replace(path.with_suffix(".json"))
    assert "copy" in complaint(DamagedModel, path), "the second file does not follow"
    monkeypatch.setattr("time.sleep", lambda seconds: new.replace(path))
    assert load_model(path).config.players == 4


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"bytes": "many"}'])
def test_a_sidecar_that_cannot_be_read(path, text):
    path.with_suffix(".json").write_text(text)
    complaint(DamagedModel, path)


def test_another_board_players_or_features_than_asked(path):
    assert "made for board hex8, not square8" in complaint(WrongModel, path, board="square8")
    assert "made for players 3, not 2" in complaint(WrongModel, path, players=2)
    assert "made for features v2, not v1" in complaint(WrongModel, path, features="v1")


def test_what_only_another_version_knows(path):
    rewrite(path, lambda info, weights: info["network"].update(features="v9"))
    assert "unknown feature version 'v9'" in complaint(WrongModel, path)
    rewrite(path, lambda info, weights: info["network"].update(features="v2", architecture="huge"))
    assert "unknown architecture 'huge'" in complaint(WrongModel, path)
    rewrite(path, lambda info, weights: info.update(format=2))
    assert "model format 2" in complaint(WrongModel, path)


def test_inputs_that_are_no_longer_what_they_were(path):
    rewrite(path, lambda info, weights: info["network"].update(input_globals=3))
    assert "and 3: it has changed" in complaint(WrongModel, path)


def test_weights_of_another_shape(path):
    def widen(info, weights):
        weights["value.values.bias"] = torch.zeros(9)

    rewrite(path, widen)
    assert "value.values.bias have shape (9,), but tiny needs (3,)" in complaint(WrongModel, path)


def test_weights_that_are_missing_or_too_many(path):
    rewrite(path, lambda info, weights: weights.pop("value.values.bias"))
    assert "value.values.bias have shape None" in complaint(WrongModel, path)
    rewrite(path, lambda info, weights: weights.update({"value.values.bias": torch.zeros(3), "z": torch.zeros(1)}))
    assert "z have shape (1,)" in complaint(WrongModel, path)


class Harmful:
    """Unpickled, this makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("stored", ["harmful", {}, {"info": "{}", "weights": {}}, {"info": "{}", "weights": {"a": 1}}])
def test_a_file_that_no_network_was_written_to(path, tmp_path, stored):
    mark = tmp_path / "harm"
    replace(path, Harmful(mark) if stored == "harmful" else stored)
    complaint(DamagedModel, path)
    assert not mark.exists()


def test_a_file_that_is_not_even_an_archive(path):
    content = b"not a model"
    path.write_bytes(content)
    sidecar = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(sidecar))
    assert "not a model that RingRift wrote" in complaint(DamagedModel, path)
