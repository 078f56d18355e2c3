from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
import torch

from ringrift.training.checkpoints import (
    Checkpoint,
    Kind,
    checkpoints,
    load_checkpoint,
    newest_checkpoint,
    prune,
    save_checkpoint,
)
from ringrift.training.errors import DamagedCheckpoint


def checkpoint(step: int) -> Checkpoint:
    return Checkpoint({"steps": step}, {"weights": torch.full((3,), float(step))})


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    found = load_checkpoint(save_checkpoint(tmp_path, "regular", 7, checkpoint(7)))
    assert found.state == {"steps": 7}
    assert found.tensors["weights"].tolist() == [7, 7, 7]


def test_the_newest_is_the_one_of_the_last_step_whatever_its_kind(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, "regular", 20, checkpoint(20))
    save_checkpoint(tmp_path, "emergency", 101, checkpoint(101))
    save_checkpoint(tmp_path, "best", 100, checkpoint(100))

    def steps(folder: Path, kind: Kind | None = None) -> int | None:
        found = newest_checkpoint(folder, kind)
        return None if found is None else found.state["steps"]

    assert steps(tmp_path) == 101
    assert steps(tmp_path, "best") == 100
    assert steps(tmp_path, "epoch") is None
    assert steps(tmp_path / "not there") is None


@pytest.mark.parametrize("damage", ["cut off", "altered"])
def test_a_damaged_checkpoint_is_passed_over_and_named(tmp_path: Path, damage: str) -> None:
    save_checkpoint(tmp_path, "regular", 1, checkpoint(1))
    bad = save_checkpoint(tmp_path, "regular", 2, checkpoint(2))
    content = bytearray(bad.read_bytes())
    if damage == "altered":
        content[len(content) // 2] ^= 1
    bad.write_bytes(content if damage == "altered" else content[:-10])
    found = newest_checkpoint(tmp_path)
    assert found is not None and found.state == {"steps": 1}
    with pytest.raises(DamagedCheckpoint, match=f"{bad.name}: is damaged"):
        load_checkpoint(bad)


def test_nothing_in_a_checkpoint_is_unpickled(tmp_path: Path) -> None:
    """Torch reads tensors and plain containers, and refuses whatever would run code."""

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return eval, ("1/0",)

    buffer = io.BytesIO()
    torch.save({"state": "{}", "tensors": Trap()}, buffer)
    path = tmp_path / f"regular-000000001-{hashlib.sha256(buffer.getvalue()).hexdigest()[:16]}.pt"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(DamagedCheckpoint, match="not a checkpoint that RingRift wrote"):
        load_checkpoint(path)


def test_pruning_keeps_the_newest_of_every_kind(tmp_path: Path) -> None:
    for step in range(5):
        save_checkpoint(tmp_path, "regular", step, checkpoint(step))
        save_checkpoint(tmp_path, "epoch", 10 + step, checkpoint(10 + step))
        save_checkpoint(tmp_path, "best", 20 + step, checkpoint(20 + step))
        save_checkpoint(tmp_path, "emergency", 30 + step, checkpoint(30 + step))
    (tmp_path / "something else").touch()
    prune(tmp_path, keep=2)
    kept = [path.name[:-20] for path in checkpoints(tmp_path)]
    assert kept == [
        "regular-000000003",
        "regular-000000004",
        "epoch-000000013",
        "epoch-000000014",
        "best-000000024",
        "emergency-000000034",
    ]
    assert (tmp_path / "something else").exists()
