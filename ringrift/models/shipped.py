"""The champions that come with the package: listing them, adding one, and beginning a loop with one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from ringrift.agents import shipped_model
from ringrift.evaluation.participants import model_of, plays_as
from ringrift.evaluation.rating import form_of
from ringrift.evaluation.results import GameResult, interval
from ringrift.evaluation.store import newest_ratings, rated_games
from ringrift.game import configs
from ringrift.game_database import GamesDatabase
from ringrift.models.errors import LostRace
from ringrift.models.names import config_of_best
from ringrift.models.promotion import change_champion
from ringrift.models.store import SHORTEST_NAME, ModelStore, StoredModel
from ringrift.networks import load_model, read_id, read_info, save_model
from ringrift.nnue import read_network
from ringrift.nnue.file import SHIPPED, SUFFIX
from ringrift.training.replay_ratio import ORIGINAL

SHIPPED_STATUS: Final = "shipped"
"""The word of `ringrift models list` for a model of the package, in place of a status of the store."""
KEPT: Final = ("run", "parent", "code", "settings", "steps", "samples_seen", "holdout", "gap", "calibration")
"""The facts of its training that a shipped model keeps; paths of the machine that it was made on are not among them."""
KEPT_OF_DATASET: Final = ("samples", "games", "new_samples")
WAYS: Final = ("policy?temperature=0", "gumbel@32", "gumbel@150")
"""The ways to play whose Elo a shipped model brings along."""
CARD: Final = ("elo", "matches", "made")
"""The facts of a shipped model that are no facts of its training."""


@dataclass(frozen=True)
class ShippedModel:
    """A champion, or an integer network, of the package."""

    id: str
    config: str
    kind: Literal["network", "nnue"]
    path: str
    training: Mapping[str, Any]
    """The facts that its training has kept, and of a champion its card: Elo, matches, commands and processor time."""

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self) | {"status": SHIPPED_STATUS}


def card(training: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the card that a shipped model brings along, in lines by heading: Elo, scores, commands and time."""
    made = training.get("made", {})
    minutes = [f"{made['cpu_minutes']:g} minutes of a core"] if "cpu_minutes" in made else []
    lines = {
        "Elo": [
            f"{form} {rating['elo']} ({rating['low']} … {rating['high']}), {rating['games']} games"
            for form, rating in training.get("elo", {}).items()
        ],
        "score": [_match_line(match) for match in training.get("matches", ())],
        "made by": [*made.get("commands", ()), *minutes],
    }
    return {heading: own for heading, own in lines.items() if own}


def shipped_models(config: str | None = None) -> list[ShippedModel]:
    """Return the models of the package, of one config or of all, champions first."""
    names = [config] if config is not None else [f"{board}_{players}p" for board, players in configs()]
    champions = [path for name in names if (path := shipped_model(name)) is not None]
    networks = [path for name in names if (path := SHIPPED / f"{name}{SUFFIX}").is_file()]
    models = [
        ShippedModel(read_id(path), path.stem, "network", str(path), read_info(path).extra.get("training", {}))
        for path in champions
    ]
    for path in networks:
        stored = read_network(path)
        training = stored.description["extra"].get("training", {})
        models.append(ShippedModel(stored.id, path.stem, "nnue", str(path), training))
    return models


def shipped_id(config: str) -> str | None:
    """Return the id of the champion of a config that comes with the package; None if none does."""
    path = shipped_model(config)
    return None if path is None else read_id(path)


def shipped_elo(config: str) -> dict[str, tuple[float, float, float]]:
    """Return the Elo of the champion that comes with the package and its 95 % interval, by way of playing."""
    path = shipped_model(config)
    ratings = {} if path is None else read_info(path).extra.get("training", {}).get("elo", {})
    return {form: (rating["elo"], rating["low"], rating["high"]) for form, rating in ratings.items()}


def shipped_from(original: str) -> ShippedModel | None:
    """Return the model of the package that had an id in the store that it came from; None if there is none."""
    return next((model for model in shipped_models() if model.training.get(ORIGINAL) == original), None)


def find_shipped(name: str) -> ShippedModel | None:
    """Return the model of the package that a name denotes: an id, its first digits, or `square8_2p/best`; else None."""
    if (config := config_of_best(name)) is not None:
        return next((model for model in shipped_models(config) if model.kind == "network"), None)
    digits = name.lower()
    matching = [model for model in shipped_models() if model.id.startswith(digits)]
    return matching[0] if len(matching) == 1 and len(digits) >= SHORTEST_NAME else None


def ship_model(
    store: ModelStore,
    model: StoredModel,
    folder: Path,
    *,
    commands: Sequence[str] = (),
    cpu_minutes: float | None = None,
) -> Path:
    """Write a model of the store as the champion of its config that comes with a package, and return its path.

    It brings along what its training was, its Elo and its rated games, and no path of this machine. Its id is another
    one, as an id covers the description, too.

    :param commands: the commands that made the model, for people who want to make it again.
    :param cpu_minutes: minutes of one core that they took.
    """
    path = folder / f"{model.config}.pth"
    network = load_model(store.path(model))
    training = {name: model.training[name] for name in KEPT if name in model.training}
    dataset = model.training.get("dataset") or {}
    training["dataset"] = {name: dataset[name] for name in KEPT_OF_DATASET if name in dataset}
    ratings = newest_ratings(store.database, model.config)
    elo = {
        way: {"elo": round(rating.elo), "low": round(rating.low), "high": round(rating.high), "games": rating.games}
        for way in WAYS
        for rating in ratings
        if plays_as(rating.player, model.id, way)
    }
    made: dict[str, Any] = {} if cpu_minutes is None else {"cpu_minutes": cpu_minutes}
    made |= {"commands": list(commands)} if commands else {}
    training |= {ORIGINAL: model.id, "elo": elo, "matches": list(_matches(store.database, model)), "made": made}
    save_model(path, network, {"training": training})
    return path


def _matches(database: GamesDatabase, model: StoredModel) -> Iterator[dict[str, Any]]:
    """Yield the scores of the model against every player that it has met in rated games, by way of playing."""
    games: dict[tuple[str, str], list[GameResult]] = defaultdict(list)
    for game in rated_games(database, model.config):
        players = set(game.players)
        for name in players:
            if model_of(name) == model.id and len(players) == 2:
                (opponent,) = players - {name}
                games[name, opponent].append(game)
    for (name, opponent), met in sorted(games.items()):
        low, high = interval(met, name)
        yield {
            "as": form_of(name),
            "against": opponent,
            "games": len(met),
            "share": round(sum(game.score(name) for game in met) / len(met), 3),
            "low": round(low, 3),
            "high": round(high, 3),
        }


def _match_line(match: Mapping[str, Any]) -> str:
    score = f"{match['share']:.1%} ({match['low']:.0%} … {match['high']:.0%})"
    return f"{match['as']} {score} of {match['games']:,} against {match['against']}"


def begin_with_shipped(store: ModelStore, config: str) -> StoredModel | None:
    """Make the package's champion that of a config without any model; None where there is none, or something to lose.

    It is registered like any other: training goes on from it, and what comes next has to beat it.
    """
    path = shipped_model(config)
    if path is None or store.listed(config):
        return None
    model = store.register(path)
    why = "came with the package"
    try:
        change_champion(store, model, expected=None, kind="shipped", forced=False, why=why, verdict=None)
    except LostRace:  # another process has begun the loop at the same moment
        return None
    return model
