"""The files of a league: former champions, `ringrift_best_<config>~1.pth` and so on, and the newest, `…~newest.pth`.

Like those of the champion, they lie where self-play finds them without a database, here and on every host.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from ringrift.agents import promoted_model
from ringrift.agents.champion import NEWEST, former_wanted
from ringrift.models.errors import UnknownModel
from ringrift.models.files import checksum_of, write_files
from ringrift.models.history import predecessors
from ringrift.models.store import ModelStore, StoredModel


def former_champions(store: ModelStore, config: str, count: int) -> dict[str, StoredModel]:
    """Return the last `count` champions before the present one by the name of their files, `hex8_2p~1` first.

    One whose files have been pruned is left out.
    """
    models = {
        f"{config}~{back + 1}": store.find(model) for back, model in enumerate(predecessors(store, config)[:count])
    }
    return {name: model for name, model in models.items() if model.pruned is None}


def league_models(store: ModelStore, config: str, players: str) -> dict[str, StoredModel]:
    """Return the models that specs of players name beside the champion, by the name of their files."""
    models = former_champions(store, config, former_wanted(players))
    if NEWEST in players:
        own = (model for model in store.listed(config) if not model.is_experiment and model.pruned is None)
        models |= {f"{config}~newest": model for model in islice(own, 1)}
    return models


def place_league_models(store: ModelStore, config: str, players: str) -> list[str]:
    """Put the files of the `league_models` where self-play finds them; return the ids of those that are new there.

    `AbsentModel` if the files of one are missing or altered.
    """
    placed = []
    for name, model in league_models(store, config, players).items():
        path = promoted_model(store.folder, name)
        if (checksum_of(path), checksum_of(path.with_suffix(".json"))) != (model.sha256, model.sidecar):
            write_files(path, store.read(model))
            placed.append(model.id)
    return placed


def champion_files(store: ModelStore, config: str, count: int) -> list[Path]:
    """Return the files of the newest champions, the present one first; `UnknownModel` if there are not even two."""
    champion = store.champion(config)
    champions = [] if champion is None else [champion, *former_champions(store, config, count - 1).values()]
    if len(champions) < 2:
        raise UnknownModel(f"{config}: there are files of {len(champions)} champions, and a table of them needs two")
    return [Path(store.path(model)) for model in champions]
