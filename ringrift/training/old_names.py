"""The names that earlier versions gave to losses, heads and hyper-parameters in their files, and the names of today.

They stand in histories, checkpoints and settings that were written before; whoever reads one of these translates it at
the door, so that inside there is one name. The name of a run is a hash of its hyper-parameters under their old names: a
run that was begun before goes on in its folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

LOSSES: Final = {"reply": "opponent_policy", "owners": "ownership", "plies_left": "moves_left"}
"""Losses in histories, and heads in checkpoints."""
LOSS_SETTINGS: Final = LOSSES | {"surgery": "pcgrad"}
"""Fields of `LossSettings`."""
HYPER_PARAMETERS: Final = {"passes": "replay_ratio", "average": "ema_decay"}
"""Fields of `HyperParameters`."""
LATER_LOSS_SETTINGS: Final = {"policy_temperature": [1.0, 1.0]}
"""Fields of `LossSettings` that runs of before do not have in their names, and the values that change nothing."""
LATER_HYPER_PARAMETERS: Final = {"least_learning_rate": 0.0, "most_learning_rate": 0.004, "own_errors": 0.0}
"""Fields of `HyperParameters` that runs of before do not have in their names, and the values that these stand for."""
BATCH_SETTINGS: Final = ("gpu_batches", "gpu_memory_batches", "least_steps")
"""Fields of `HyperParameters` that decide the batch alone, which stands in the name of a run by itself."""
FIRST_GPU_BATCHES: Final = {"GH200": 64, "H100": 32, "A100": 16}
"""The `gpu_batches` that the names of all runs have from before."""
TRAINER_STATE: Final = {"part": "micro_batch"}
"""Fields of `TrainerState` in checkpoints."""


def renamed(fields: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return fields by their names of today; a field that has both names takes the value of the old one."""
    old = {names[name]: value for name, value in fields.items() if name in names}
    return {name: value for name, value in fields.items() if name not in names} | old


def renamed_heads(weights: Mapping[str, Any]) -> dict[str, Any]:
    """Return the weights of a network with auxiliary heads by their names of today."""
    heads = ((name.partition("."), tensor) for name, tensor in weights.items())
    return {f"{LOSSES.get(head, head)}{dot}{rest}": tensor for (head, dot, rest), tensor in heads}


def under_old_names(hyper: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `HyperParameters` as they were called when runs were first named after them.

    Fields that came later are left out where they change nothing, so that a run of before goes on.
    """
    unset = [name for name, value in LATER_HYPER_PARAMETERS.items() if hyper[name] == value]
    later = (*BATCH_SETTINGS, *unset)
    hyper = {name: value for name, value in hyper.items() if name not in later} | {"gpu_batches": FIRST_GPU_BATCHES}
    known = {name: value for name, value in hyper["losses"].items() if LATER_LOSS_SETTINGS.get(name) != value}
    losses = renamed(known, {new: old for old, new in LOSS_SETTINGS.items()})
    return renamed(hyper, {new: old for old, new in HYPER_PARAMETERS.items()}) | {"losses": losses}
