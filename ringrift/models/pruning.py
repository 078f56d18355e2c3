"""Giving up the files of models and integer networks that no player will need; their rows stay, for the lineage."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from sqlalchemy import update

from ringrift.clock import seconds_since
from ringrift.models.files import remove_files
from ringrift.models.history import predecessors
from ringrift.models.nnue_store import NnueStore, RegisteredNnue
from ringrift.models.schema import models
from ringrift.models.settings import PruneSettings
from ringrift.models.store import ModelStore, StoredModel

DAY: Final = 86400
AnyModel = TypeVar("AnyModel", StoredModel, RegisteredNnue)


@dataclass(frozen=True)
class Pruned:
    """A model, or an integer network, that is pruned or would be."""

    id: str
    kind: Literal["network", "nnue"]
    config: str
    status: str
    created: int
    bytes: int
    """The bytes of its files."""


@dataclass(frozen=True)
class PruneReport:
    """The models that have been pruned, and those that are kept."""

    dry_run: bool
    """Nothing has been done, only told."""
    pruned: tuple[Pruned, ...]
    kept: dict[str, int]
    """Models by why they are kept."""
    finished: int
    """Models whose files an earlier run had begun to remove."""

    def to_json(self) -> dict[str, Any]:
        """All of it, for machines."""
        return asdict(self)


def prune(
    store: ModelStore, settings: PruneSettings, *, config: str | None = None, dry_run: bool = False
) -> PruneReport:
    """Give up the files of old models and integer networks, of one config or all.

    Kept are champions and networks in use, some of their predecessors, models that have passed the gate and wait, the
    newest, and the young, as the settings say. Models are marked in the database before their files are removed; a run
    that was killed in between is finished by the next.
    """
    networks = NnueStore(store.database, store.folder)
    listed = [model for model in store.listed(config) if model.pruned is None]
    listed_networks = [network for network in networks.listed(config) if not network.pruned]
    reasons = _reasons(store, listed, settings) | _network_reasons(listed_networks, settings)
    left = [model for model in listed if model.id not in reasons]
    left_networks = [network for network in listed_networks if network.id not in reasons]
    unneeded = (
        *(_told(model, "network", store.path(model)) for model in left),
        *(_told(network, "nnue", networks.path(network)) for network in left_networks),
    )
    kept = dict(Counter(reasons.values()))
    if dry_run:
        return PruneReport(True, unneeded, kept, 0)
    with store.database.writing() as connection:
        marked = update(models).where(models.c.id.in_([model.id for model in left]), models.c.pruned.is_(None))
        # A champion may have changed since they were listed.
        marked = marked.where(models.c.status.not_in(("production", "staging")))
        connection.execute(marked.values(pruned=int(time.time())))
    networks.give_up_files([network.id for network in left_networks])
    gone = {model.id: store.path(model) for model in store.listed(config) if model.pruned is not None}
    gone |= {network.id: networks.path(network) for network in networks.listed(config) if network.pruned}
    unneeded_ids = {model.id for model in unneeded}
    removed = [identity for identity, path in gone.items() if remove_files(path)]
    return PruneReport(
        False,
        tuple(model for model in unneeded if model.id in gone),
        kept,
        sum(identity not in unneeded_ids for identity in removed),
    )


def _reasons(store: ModelStore, listed: list[StoredModel], settings: PruneSettings) -> dict[str, str]:
    """Return why models are kept, by id; those that are not in it go."""
    reasons: dict[str, str] = {}
    for config, of_config in _by_config(listed).items():
        before = predecessors(store, config)[: settings.predecessors]
        newest = [model.id for model in of_config if not model.is_experiment][: settings.newest]
        for model in of_config:
            if model.status == "production":
                reasons[model.id] = "champion"
            elif model.id in before:
                reasons[model.id] = "former champion"
            elif model.status == "staging":
                reasons[model.id] = "staging"
            elif (why := _recent(model, newest, settings)) is not None:
                reasons[model.id] = why
    return reasons


def _network_reasons(listed: list[RegisteredNnue], settings: PruneSettings) -> dict[str, str]:
    """Return why integer networks are kept, by id; those that are not in it go."""
    reasons: dict[str, str] = {}
    for of_config in _by_config(listed).values():
        former = [network for network in of_config if network.status == "archived"]
        former.sort(key=lambda network: network.judged or 0, reverse=True)
        before = [network.id for network in former[: settings.predecessors]]
        newest = [network.id for network in of_config[: settings.newest]]
        for network in of_config:
            if network.status == "production":
                reasons[network.id] = "network in use"
            elif network.id in before:
                reasons[network.id] = "network formerly in use"
            elif (why := _recent(network, newest, settings)) is not None:
                reasons[network.id] = why
    return reasons


def _by_config(listed: Iterable[AnyModel]) -> dict[str, list[AnyModel]]:
    """Return the models of every config, in the same order: the newest first."""
    by_config: dict[str, list[AnyModel]] = defaultdict(list)
    for model in listed:
        by_config[model.config].append(model)
    return by_config


def _recent(model: StoredModel | RegisteredNnue, newest: Collection[str], settings: PruneSettings) -> str | None:
    """Return which rule about age keeps a model; None if none does."""
    if model.id in newest:
        return "newest"
    age = seconds_since(model.created, f"model {model.id}")
    return "young" if age is not None and age < settings.days * DAY else None


def _told(model: StoredModel | RegisteredNnue, kind: Literal["network", "nnue"], path: Path) -> Pruned:
    size = sum(file.stat().st_size for file in (path, path.with_suffix(".json")) if file.exists())
    return Pruned(model.id, kind, model.config, model.status, model.created, size)
