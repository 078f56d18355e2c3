"""Small models to fill a store with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ringrift.game import parse_config
from ringrift.models import ModelStore, StoredModel, change_champion
from ringrift.networks import NetworkConfig, ResidualNetwork, build_network, save_model


def network(config: str = "hex8_2p", seed: int = 0, architecture: str = "tiny") -> ResidualNetwork:
    """An untrained network."""
    board, players = parse_config(config)
    torch.manual_seed(seed)
    return build_network(NetworkConfig.of(architecture, board.name, players))


def registered(
    store: ModelStore,
    seed: int = 0,
    config: str = "hex8_2p",
    *,
    architecture: str = "tiny",
    training: dict[str, Any] | None = None,
) -> StoredModel:
    """A new model in the store, written elsewhere first, as on another host."""
    path = store.folder.parent / "made" / f"{config}-{architecture}-{seed}.pth"
    save_model(path, network(config, seed, architecture), {"training": training} if training else None)
    return store.register(path)


def crowned(store: ModelStore, model: StoredModel) -> StoredModel:
    """Make a model champion without asking the gate."""
    champion = store.champion(model.config)
    change_champion(
        store,
        model,
        expected=champion.id if champion else None,
        kind="promoted",
        forced=True,
        why="a test",
        verdict=None,
    )
    return store.find(model.id)


def content(path: Path) -> tuple[bytes, bytes]:
    """The bytes of both files of a model."""
    return path.read_bytes(), path.with_suffix(".json").read_bytes()
