"""Hard positions: which are found, what is kept of them, and how a player is tried in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from ringrift.agents import make_agent
from ringrift.datasets.game_selection import EmptySelection
from ringrift.datasets.samples import JoinedGames
from ringrift.game import get_board
from ringrift.game_database import GamesDatabase
from ringrift.selfplay.hard_positions import (
    BadPositions,
    HardPositions,
    positions_file,
    read_positions_file,
    write_positions_file,
)
from ringrift.training.hard_positions import (
    COUNT,
    find_hard_positions,
    refresh_positions,
    report_hard_positions,
    value_swings,
)
from tests.contexts import export_context
from tests.datasets.games import fill, searched_records

CONFIG = "square8_2p"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GamesDatabase]:
    with fill(tmp_path_factory.mktemp("games") / "games.db", searched_records(CONFIG, 30)) as opened:
        yield opened


@pytest.fixture(scope="module")
def found(database: GamesDatabase) -> HardPositions:
    return find_hard_positions(database, CONFIG, 10, export_context())


def test_the_hardest_of_each_reason_are_found_one_of_a_game(found: HardPositions, database: GamesDatabase) -> None:
    for reason in ("surprise", "swing"):
        scores = [one.score for one in found.positions if one.reason == reason]
        assert len(scores) == 10
        assert scores == sorted(scores, reverse=True)
        assert scores[-1] > 0
    more = find_hard_positions(database, CONFIG, 1000, export_context())
    assert [one.reason for one in more.positions].count("surprise") <= 30
    assert find_hard_positions(database, CONFIG, 10, export_context()).id == found.id


def test_what_the_search_preferred_is_legal_where_the_actions_lead(found: HardPositions) -> None:
    for number, position in enumerate(found.positions):
        game = position.played(CONFIG)
        assert position.best in game.legal_actions()
        opening = found.opening(number)
        assert opening.state[0]["ply"] == game.array["ply"]
        assert opening.actions.tolist() == position.actions


def test_only_the_values_of_a_model_swing(tmp_path: Path) -> None:
    records = [replace(record, models=(None, None)) for record in searched_records(CONFIG, 10)]
    with fill(tmp_path / "games.db", records) as games:
        reasons = {one.reason for one in find_hard_positions(games, CONFIG, 10, export_context()).positions}
    assert reasons == {"surprise"}


def test_a_swing_is_the_change_of_the_movers_value_until_the_next_search() -> None:
    unit = 32767
    games = SimpleNamespace(
        seats=np.array([1, 2, 1], np.uint8),
        root_values=np.array([[unit, -unit], [0, 0], [0, 0]], np.int16),
    )
    swings = value_swings(cast(JoinedGames, games), np.arange(3), np.arange(3))
    assert swings == pytest.approx([1, 0, -1])


def test_without_searches_there_is_none(tmp_path: Path) -> None:
    records = [replace(record, search=None) for record in searched_records(CONFIG, 10)]
    with fill(tmp_path / "games.db", records) as games, pytest.raises(EmptySelection, match="no stored game"):
        find_hard_positions(games, CONFIG, 10, export_context())


def test_positions_are_looked_for_anew_and_those_of_lost_gauntlets_stay(
    found: HardPositions, database: GamesDatabase, tmp_path: Path
) -> None:
    lost = found.positions[0].model_copy(update={"reason": "lost"})
    path = positions_file(CONFIG, tmp_path)
    write_positions_file(path, HardPositions(config=CONFIG, positions=[found.positions[0], lost]))
    refresh_positions(database, CONFIG, export_context(), tmp_path)
    expected = find_hard_positions(database, CONFIG, COUNT, export_context())
    assert read_positions_file(path, CONFIG).positions == [*expected.positions, lost]
    path.write_bytes(b"{}")
    refresh_positions(database, CONFIG, export_context(), tmp_path)
    assert read_positions_file(path, CONFIG) == expected


def test_players_are_tried_in_the_same_positions(found: HardPositions) -> None:
    board = get_board("square8")
    report = report_hard_positions(found, make_agent("heuristic", board, 2), "heuristic")
    assert report.agreement is not None
    assert report.value_error is not None
    assert 0 <= report.agreement < 0.5  # the searches are made up
    assert report.positions == 20
    planted = [
        one.model_copy(update={"best": int(action)})
        for one, action in zip(found.positions, _choices(found), strict=True)
    ]
    perfect = found.model_copy(update={"positions": planted})
    assert report_hard_positions(perfect, make_agent("heuristic", board, 2), "heuristic").agreement == 1


def _choices(found: HardPositions) -> Any:
    states = np.concatenate([found.opening(number).state for number in range(len(found.positions))])
    return make_agent("heuristic", get_board("square8"), 2).act(states, np.arange(len(states))).chosen_actions


def test_positions_are_read_as_they_were_written(found: HardPositions, tmp_path: Path) -> None:
    path = positions_file(CONFIG, tmp_path)
    write_positions_file(path, found)
    assert read_positions_file(path, CONFIG) == found


def test_positions_of_other_rules_are_refused(found: HardPositions, tmp_path: Path) -> None:
    path = positions_file(CONFIG, tmp_path)
    elsewhere = found.positions[3].model_copy(update={"hash": "0" * 16})
    write_positions_file(path, found.model_copy(update={"positions": [*found.positions[:3], elsewhere]}))
    with pytest.raises(
        BadPositions, match="position 3: these rules lead elsewhere, so that it was found by other rule"
    ):
        read_positions_file(path, CONFIG)
    illegal = elsewhere.model_copy(update={"actions": [10**6]})
    write_positions_file(path, found.model_copy(update={"positions": [illegal]}))
    with pytest.raises(BadPositions, match=r"position 0: .* is not legal .*found by other rules"):
        read_positions_file(path, CONFIG)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file; `ringrift hard-positions square8_2p` makes it"),
        (b"{", "holds no hard positions"),
        (b"[]", "holds no hard positions"),
        (b'{"config": "square8_2p", "positions": []}', "holds no hard positions"),
    ],
    ids=["missing", "cut", "list", "empty"],
)
def test_what_holds_no_positions_is_refused(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = positions_file(CONFIG, tmp_path)
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadPositions, match=message):
        read_positions_file(path, CONFIG)


def test_positions_of_another_config_are_refused(found: HardPositions, tmp_path: Path) -> None:
    path = positions_file("hex8_2p", tmp_path)
    write_positions_file(path, found)
    with pytest.raises(BadPositions, match="holds positions of square8_2p, not of hex8_2p"):
        read_positions_file(path, "hex8_2p")


def test_the_regression_set_is_of_games_that_no_training_sees(tmp_path: Path) -> None:
    with fill(tmp_path / "games.db", searched_records(CONFIG, 60)) as database:
        held_out = find_hard_positions(database, CONFIG, 1000, export_context(), part="holdout")
        learned = find_hard_positions(database, CONFIG, 1000, export_context())
    openings = {tuple(one.actions[:12]) for one in learned.positions}
    assert not openings & {tuple(one.actions[:12]) for one in held_out.positions}
