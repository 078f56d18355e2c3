"""Checkpoints: everything that a training needs to go on as if it had never stopped.

A checkpoint is one file, `<kind>-<step>-<digest>.pt`. The digest is that of its content, so a file is whole and
unaltered or does not count, and nothing has to be written beside it. Tensors are read with `weights_only`, everything
else is JSON in them.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import torch

from ringrift.files import new_file
from ringrift.networks.tensors import read_tensors
from ringrift.training.errors import DamagedCheckpoint
from ringrift.training.old_names import TRAINER_STATE, renamed, renamed_heads

Kind = Literal["regular", "epoch", "best", "emergency"]

FOLDER: Final = "checkpoints"
"""The folder of the checkpoints in the folder of a run."""

_DIGITS: Final = 16
_NAME: Final = re.compile(r"(regular|epoch|best|emergency)-(\d{9})-([0-9a-f]{16})\.pt")


class Checkpoint(NamedTuple):
    """The state of a training at one step."""

    state: dict[str, Any]
    """`TrainerState` as JSON."""
    tensors: dict[str, Any]
    """Weights, averages, and the states of the optimiser and of random generators, as torch saves them."""


def save_checkpoint(folder: Path, kind: Kind, step: int, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint, whole or not at all."""
    buffer = io.BytesIO()
    torch.save({"state": json.dumps(checkpoint.state), "tensors": checkpoint.tensors}, buffer)
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()[:_DIGITS]
    path = folder / f"{kind}-{step:09d}-{digest}.pt"
    with new_file(path) as file:
        file.write(content)
    return path


def load_checkpoint(path: Path) -> Checkpoint:
    """Read and verify a checkpoint; raise `DamagedCheckpoint` if it is not what was written."""
    named = _NAME.fullmatch(path.name)
    if named is None:
        raise DamagedCheckpoint(f"{path}: is no checkpoint; they are called kind-step-digest.pt")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedCheckpoint(f"{path}: cannot be read ({error.strerror or error})") from None
    if hashlib.sha256(content).hexdigest()[:_DIGITS] != named[3]:
        raise DamagedCheckpoint(f"{path}: is damaged, its content is not what its name says; delete it")
    try:
        stored = read_tensors(content)
        state, tensors = json.loads(stored["state"]), stored["tensors"]
        tensors |= {part: renamed_heads(weights) for part, weights in tensors.items() if part in ("module", "average")}
        return Checkpoint(renamed(state, TRAINER_STATE), tensors)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DamagedCheckpoint(f"{path}: is not a checkpoint that RingRift wrote") from None


def checkpoints(folder: Path, kind: Kind | None = None) -> list[Path]:
    """List the checkpoints of a folder, of one kind or all, the oldest first; none is opened."""
    if not folder.is_dir():
        return []
    named = [(match, path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    return [path for _, path in sorted((int(match[2]), path) for match, path in named if kind in (None, match[1]))]


def newest_checkpoint(folder: Path, kind: Kind | None = None) -> Checkpoint | None:
    """Load the last checkpoint that is whole; return None if there is none."""
    for path in reversed(checkpoints(folder, kind)):
        with suppress(DamagedCheckpoint):
            return load_checkpoint(path)
    return None


def prune(folder: Path, keep: int) -> None:
    """Delete all but the newest: `keep` regular ones and as many of epochs, one best, one of an emergency."""
    kinds: tuple[tuple[Kind, int], ...] = (("regular", keep), ("epoch", keep), ("best", 1), ("emergency", 1))
    for kind, count in kinds:
        for path in checkpoints(folder, kind)[:-count]:
            path.unlink(missing_ok=True)
