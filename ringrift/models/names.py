"""The names by which every command knows a model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from ringrift.agents.champion import find_champion
from ringrift.models.errors import UnknownModel
from ringrift.models.history import predecessors
from ringrift.models.store import ModelStore, StoredModel
from ringrift.networks import read_id

CHAMPION: Final = re.compile(r"((?P<config>[a-z0-9]+_[234]p)/)?best(~(?P<back>[0-9]{1,4}))?")


def named_model(store: ModelStore, name: str, config: str | None = None) -> StoredModel:
    """Return the model of the store that a name denotes; `UnknownModel` if it denotes none, or one of another config.

    A name is an id or its first digits, `best` for the champion and `best~1` for the one before (`square8_2p/best`
    where no config is given beside it), or the path of a file.
    """
    champion = CHAMPION.fullmatch(name)
    if champion is not None:
        return _champion(store, name, champion["config"] or config, int(champion["back"] or 0))
    if name.endswith(".pth") and Path(name).is_file():
        name = read_id(Path(name))
    return store.find(name, config)


def model_file(store: ModelStore, name: str, config: str) -> Path:
    """Return the file that a name denotes: as `named_model`, and files that are not in the store, by path or by id.

    Where the store has had no champion, `best` is the one that specs call `{best}`, such as that of the package.
    """
    for path in (Path(name), store.folder / config / f"{name}.pth"):
        if path.is_file():
            return path
    of = config_of_best(name, config)
    if of is not None and store.champion(of) is None and (unstored := find_champion(store.folder, of)) is not None:
        return unstored
    return Path(store.path(named_model(store, name, config)))


def config_of_best(name: str, config: str | None = None) -> str | None:
    """Return the config whose present champion a name denotes, by default `config`; None for any other name."""
    champion = CHAMPION.fullmatch(name)
    if champion is None or int(champion["back"] or 0):
        return None
    return champion["config"] or config


def _champion(store: ModelStore, name: str, config: str | None, back: int) -> StoredModel:
    if config is None:
        raise UnknownModel(f"{name}: the champion of which config? write square8_2p/{name}")
    champion = store.champion(config)
    champions = [] if champion is None else [champion.id, *predecessors(store, config)]
    if back >= len(champions):
        known = "no champion yet" if not champions else f"{len(champions)} so far"
        raise UnknownModel(f"{name}: {config} has had {known}")
    return store.find(champions[back], config)
