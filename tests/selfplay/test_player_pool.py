"""Who plays which game: mixtures, and models that change meanwhile."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import pytest
import torch

from ringrift.agents import BadSpec, MissingChampion, champion, promoted_model
from ringrift.agents.champion import former_wanted, placed_newest
from ringrift.networks import MissingModel, NetworkConfig, build_network, save_model
from ringrift.selfplay import PlayerPool, SelfPlay
from ringrift.selfplay.settings import DifficultySettings, LaterPlayers, PlayersSettings
from tests.selfplay.runs import NOWHERE, some_options

DEFAULTS = {"players": {"trained": "policy:{best}", "bootstrap": "random"}}


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the package's champions, of which there is none unless a test writes one."""
    folder = tmp_path / "package"
    monkeypatch.setattr(champion, "SHIPPED", folder)
    return folder


def ship(package: Path, seed: int, config: str = "hex8_2p") -> str:
    """Write a champion of the package, and return its id."""
    torch.manual_seed(seed)
    return save_model(package / f"{config}.pth", build_network(NetworkConfig.of("tiny", *config_of(config))))[:16]


def promote(folder: Path, seed: int, config: str = "hex8_2p") -> str:
    """Put a new model in the place of the promoted one; its id."""
    torch.manual_seed(seed)
    network = build_network(NetworkConfig.of("tiny", *config_of(config)))
    return save_model(promoted_model(folder, config), network)[:16]


def config_of(config: str) -> tuple[str, int]:
    board, players = config.split("_")
    return board, int(players[:-1])


def test_a_mixture_is_drawn_by_weight_for_every_seat() -> None:
    pool = PlayerPool(some_options(players="mixed:3xheuristic,random"), NOWHERE)
    drawn = [tuple(player.spec for player in pool.seats(game)) for game in range(400)]
    assert drawn == [tuple(player.spec for player in pool.seats(game)) for game in range(400)]
    counts = Counter(spec for specs in drawn for spec in specs)
    assert counts["heuristic"] / 800 == pytest.approx(0.75, abs=0.06)
    assert len(set(drawn)) == 4, "every pairing"


def test_a_mixture_may_be_drawn_for_whole_games() -> None:
    pool = PlayerPool(some_options(players="mixed:heuristic,random", settings={"draw": "game"}), NOWHERE)
    drawn = {tuple(player.spec for player in pool.seats(game)) for game in range(50)}
    assert drawn == {("heuristic", "heuristic"), ("random", "random")}


def test_another_run_or_seed_draws_others() -> None:
    plans = [some_options(players="mixed:heuristic,random", **change) for change in ({}, {"run": "other"}, {"seed": 4})]
    drawn = [[[p.spec for p in PlayerPool(options, NOWHERE).seats(game)] for game in range(50)] for options in plans]
    assert drawn[0] != drawn[1] != drawn[2] != drawn[0]


def test_games_begun_after_a_promotion_are_played_by_the_new_model(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="ringrift.selfplay")
    options = some_options(players=None, settings=DEFAULTS)
    pool = PlayerPool(options, tmp_path)
    games = SelfPlay(options, pool, side_by_side=2).play(range(100))
    assert next(games).engines == ("random", "random")

    first = promote(tmp_path, seed=1)
    models = [next(games).models for _ in range(10)]
    assert models[0] == (None, None), "a game that was running ends with the players that it began with"
    assert models[-1] == (first, first)
    assert [message for message in caplog.messages if first in message] == [
        f"new games are played by policy:{tmp_path}/ringrift_best_hex8_2p.pth, model {first}"
    ]

    second = promote(tmp_path, seed=2)
    assert second != first
    models = [next(games).models for _ in range(10)]
    assert models[0] == (first, first)
    assert models[-1] == (second, second)
    assert pool.reloads == 2


def test_a_model_that_is_damaged_or_half_written_is_left_until_it_is_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    promote(tmp_path, seed=1)
    pool = PlayerPool(some_options(players=None, settings=DEFAULTS), tmp_path)
    before = pool.seats(0)
    path = promoted_model(tmp_path, "hex8_2p")
    new = tmp_path / "new"
    identity = promote(new, seed=2)
    content = promoted_model(new, "hex8_2p").read_bytes()
    path.with_suffix(".json").write_bytes(promoted_model(new, "hex8_2p").with_suffix(".json").read_bytes())
    path.write_bytes(content[:1000])
    for _ in range(3):
        pool.refresh()
        assert pool.seats(0) == before
    assert len(caplog.messages) == 1, "told once"
    assert "new games are played as before" in caplog.text
    assert "cut off, 1000 of" in caplog.text
    path.write_bytes(content)
    pool.refresh()
    assert pool.seats(0)[0].model == identity


def test_a_model_that_becomes_whole_just_after_it_was_found_damaged_is_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(tmp_path, seed=1)
    pool = PlayerPool(some_options(players=None, settings=DEFAULTS), tmp_path)
    path = promoted_model(tmp_path, "hex8_2p")
    identity = promote(tmp_path / "new", seed=2)
    new = promoted_model(tmp_path / "new", "hex8_2p")
    new.with_suffix(".json").replace(path.with_suffix(".json"))
    take_in = pool._load

    def too_early(text: str) -> None:
        try:
            take_in(text)
        finally:
            new.replace(path)

    with monkeypatch.context() as patch:
        patch.setattr(pool, "_load", too_early)
        pool.refresh()
    pool.refresh()
    assert pool.seats(0)[0].model == identity


def test_the_same_model_written_again_changes_nobody(tmp_path: Path) -> None:
    promote(tmp_path, seed=1)
    pool = PlayerPool(some_options(players="mixed:policy:{best},random"), tmp_path)
    before = pool.members
    promote(tmp_path, seed=1)
    pool.refresh()
    assert pool.members == before
    promote(tmp_path, seed=2)
    pool.refresh()
    assert (pool.members[0] != before[0], pool.members[1] == before[1]) == (True, True)
    assert pool.reloads == 1


def test_unknown_players_and_missing_models_are_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadSpec, match="unknown mode 'dice'"):
        PlayerPool(some_options(players="dice"), tmp_path)
    with pytest.raises(MissingModel, match=r"ringrift_best_hex8_2p"):
        PlayerPool(some_options(players="gumbel:{best}@8"), tmp_path)
    promote(tmp_path, seed=1)
    promoted_model(tmp_path, "hex8_2p").unlink()
    with pytest.raises(MissingModel, match=r"ringrift_best_hex8_2p\.pth"):
        PlayerPool(some_options(players=None, settings=DEFAULTS), tmp_path)


def test_a_league_plays_former_champions_and_takes_in_those_that_come(tmp_path: Path) -> None:
    spec = "mixed:policy:{best},policy:{best~1},policy:{best~3}"
    champion = promote(tmp_path, seed=1)
    pool = PlayerPool(some_options(players=spec), tmp_path)
    assert [player.model for player in pool.members] == [champion] * 3, "where there have been fewer, the first one"
    first, second = former(tmp_path, 1, seed=2), former(tmp_path, 2, seed=3)
    pool.refresh()
    assert [player.model for player in pool.members] == [champion, first, second]
    third = former(tmp_path, 3, seed=4)
    pool.refresh()
    assert [player.model for player in pool.members] == [champion, first, third]


def test_the_newest_model_plays_where_it_is_named_and_the_champion_until_there_is_one(tmp_path: Path) -> None:
    champion = promote(tmp_path, seed=1)
    pool = PlayerPool(some_options(players="mixed:policy:{best},policy:{newest}"), tmp_path)
    assert [player.model for player in pool.members] == [champion] * 2
    torch.manual_seed(2)
    network = build_network(NetworkConfig.of("tiny", *config_of("hex8_2p")))
    newest = save_model(placed_newest(tmp_path, "hex8_2p"), network)[:16]
    pool.refresh()
    assert [player.model for player in pool.members] == [champion, newest]


def test_the_champion_of_the_package_plays_until_a_model_is_promoted(tmp_path: Path, package: Path) -> None:
    shipped = ship(package, seed=7)
    options = some_options(players=None, settings=DEFAULTS)
    pool = PlayerPool(options, tmp_path)
    games = SelfPlay(options, pool, side_by_side=2).play(range(100))
    first = next(games)
    assert first.models == (shipped, shipped)
    assert set(first.engines) == {"policy:{shipped}"}, "no path of this machine is a part of the game's identity"
    promoted = promote(tmp_path, seed=1)
    assert [next(games).models for _ in range(10)][-1] == (promoted, promoted)
    assert pool.reloads == 1


@pytest.mark.parametrize("players", ["policy:{best}", "policy:{best~1}", "policy:{newest}"])
def test_every_name_of_a_champion_falls_back_to_that_of_the_package(
    tmp_path: Path, package: Path, players: str
) -> None:
    shipped = ship(package, seed=7)
    pool = PlayerPool(some_options(players=players), tmp_path)
    assert [player.model for player in pool.members] == [shipped]
    promoted = promote(tmp_path, seed=1)
    pool.refresh()
    assert [player.model for player in pool.members] == [promoted]


def test_from_zero_the_bootstrap_mixture_plays_until_a_model_is_promoted(tmp_path: Path, package: Path) -> None:
    ship(package, seed=7)
    pool = PlayerPool(some_options(players=None, settings=DEFAULTS, from_zero=True), tmp_path)
    assert pool.text == "random"
    promoted = promote(tmp_path, seed=1)
    pool.refresh()
    assert [player.model for player in pool.members] == [promoted]


def test_from_zero_no_name_stands_for_the_champion_of_the_package_but_its_own(tmp_path: Path, package: Path) -> None:
    shipped = ship(package, seed=7)
    with pytest.raises(MissingModel, match="ringrift_best_hex8_2p"):
        PlayerPool(some_options(players="policy:{best}", from_zero=True), tmp_path)
    pool = PlayerPool(some_options(players="policy:{shipped}", from_zero=True), tmp_path)
    assert [player.model for player in pool.members] == [shipped]
    with pytest.raises(MissingChampion, match="no champion of hex8_3p comes with the package"):
        PlayerPool(some_options("hex8_3p", players="policy:{shipped}"), tmp_path)


def test_only_from_zero_is_another_run(tmp_path: Path) -> None:
    """A run is called as before where the champion plays, and goes on under its name when another one is promoted."""
    options = some_options(players=None)
    assert some_options(players=None, from_zero=False).fingerprint == options.fingerprint
    assert some_options(players=None, from_zero=True).fingerprint != options.fingerprint


def test_a_player_of_the_package_can_resign_and_has_less_difficulty(tmp_path: Path, package: Path) -> None:
    ship(package, seed=7)
    changes = {
        "players": {"trained": "gumbel:{best}@64?noise=1"},
        "difficulty": DifficultySettings(start=0.5, end=1.0, generations=5),
    }
    pool = PlayerPool(some_options(players=None, settings=changes), tmp_path)
    assert pool.text == "gumbel:{shipped}@32?noise=1"
    assert pool.members[0].cheaper is not None


@pytest.mark.parametrize(
    ("progress", "played"),
    [(0.0, "gumbel:MODEL@19?noise=1&fast=5"), (0.05, "gumbel:MODEL@42?noise=1&fast=10"), (0.1, "policy:MODEL")],
)
def test_difficulty_and_opponents_follow_progress(tmp_path: Path, progress: float, played: str) -> None:
    promote(tmp_path, seed=1)
    players = PlayersSettings(
        trained="gumbel:{best}@64?noise=1&fast=16",
        bootstrap="random",
        later=[LaterPlayers(progress=0.1, trained="policy:{best}"), LaterPlayers(progress=0.5, trained="random")],
    )
    changes = {"players": players, "difficulty": DifficultySettings(start=0.3, end=1.0, generations=5)}
    pool = PlayerPool(some_options(players=None, progress=progress, settings=changes), tmp_path)
    assert pool.text == played.replace("MODEL", str(promoted_model(tmp_path, "hex8_2p")))


def test_players_that_are_asked_for_have_their_own_difficulty(tmp_path: Path) -> None:
    promote(tmp_path, seed=1)
    changes = {"difficulty": DifficultySettings(start=0.3, end=1.0, generations=5)}
    pool = PlayerPool(some_options(players="gumbel:{best}@20", settings=changes), tmp_path)
    assert pool.text == f"gumbel:{promoted_model(tmp_path, 'hex8_2p')}@20"


def former(folder: Path, back: int, seed: int) -> str:
    """Put a model in the place of a former champion; its id."""
    torch.manual_seed(seed)
    network = build_network(NetworkConfig.of("tiny", *config_of("hex8_2p")))
    return save_model(promoted_model(folder, f"hex8_2p~{back}"), network)[:16]


@pytest.mark.parametrize(
    ("players", "back"),
    [("gumbel:{best}@64", 0), ("policy:{best~1}", 1), ("mixed:policy:{best~3},2xpolicy:{best~12},random", 12)],
)
def test_how_far_back_a_spec_goes(players: str, back: int) -> None:
    assert former_wanted(players) == back
