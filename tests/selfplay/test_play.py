"""The games of self-play, and what is kept of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ringrift.game import Game
from ringrift.networks import NetworkConfig, build_network, save_model
from ringrift.search.output import empty_output
from ringrift.selfplay import PlayerPool, SelfPlay, read_line
from ringrift.selfplay.hard_positions import HardPosition, HardPositions
from ringrift.selfplay.search_recorder import FIRST_DECISIONS, FIRST_ENTRIES, SearchRecorder
from ringrift.selfplay.settings import StepSettings
from tests.selfplay.runs import NOWHERE, lines, played, some_options


@pytest.fixture(scope="module")
def model(tiny: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(5)
    path = tmp_path_factory.mktemp("models") / "tiny.pth"
    save_model(path, build_network(NetworkConfig.of("tiny", "hex8", 3)))
    return path


def test_the_same_game_is_played_whatever_the_batch(model: Path) -> None:
    mixture = f"mixed:gumbel:{model}@6?noise=1&full=0.5&fast=2,puct:{model}@6?reuse=1&noise=1,heuristic,random"
    options = some_options("hex8_3p", players=mixture, settings={"resignation": {"below": -0.3, "decisions": 3}})
    together = lines(played(options, 10, side_by_side=10))
    assert len(set(together)) == 10
    assert lines(played(options, 10, side_by_side=3)) == together
    alone = SelfPlay(options, PlayerPool(options, NOWHERE), side_by_side=1)
    assert [record.to_line() for record in alone.play([7, 2])] == [together[7], together[2]]


@pytest.mark.parametrize("config", ["square8_2p", "hex8_4p"])
def test_records_replay_and_say_what_was_found_at_every_decision(config: str) -> None:
    for record in played(some_options(config, players="gumbel:heuristic@4?noise=1", resigns=False), 4):
        assert read_line(record.to_line()).to_line() == record.to_line()
        assert record.search is not None
        assert record.opening in range(40)
        game = Game(*config_of(config))
        decisions = {}
        for at, action in enumerate(record.actions.tolist()):
            legal = set(game.legal_actions())
            if len(legal) > 1 and at >= record.opening:
                decisions[at] = legal
            game.play(action)
        result = game.result()
        assert (record.winner, record.reason, record.ranks) == (result.winner, result.reason, result.ranks)
        assert record.search.action_index.tolist() == list(decisions)
        assert record.search.has_policy.all()
        entries = np.split(record.search.policy_actions, np.cumsum(record.search.policy_lengths)[:-1])
        weights = np.split(record.search.policy_probs, np.cumsum(record.search.policy_lengths)[:-1])
        for legal, actions, shares in zip(decisions.values(), entries, weights, strict=True):
            assert set(actions.tolist()) <= legal
            assert shares.min() > 0
            assert int(shares.sum()) == pytest.approx(65535, abs=len(legal))
        assert np.abs(record.search.root_values).max() > 100
        assert record.search.root_values.shape == (len(decisions), game.players)
        assert record.search.surprise is not None
        assert record.search.surprise.min() >= 0 and record.search.surprise.max() > 0.01


def config_of(config: str) -> tuple[str, int]:
    board, players = config.split("_")
    return board, int(players[:-1])


def test_random_players_find_nothing_and_a_policy_alone_is_not_worth_learning(model: Path) -> None:
    (record,) = played(some_options("hex8_3p", players="random"), 1)
    assert record.search is None
    (record,) = played(some_options("hex8_3p", players=f"policy:{model}"), 1)
    assert record.search is not None
    assert not record.search.has_policy.any()
    assert record.models == (record.models[0],) * 3
    assert record.models[0] is not None


def test_players_without_a_prior_know_no_surprise() -> None:
    (record,) = played(some_options("hex8_3p", players="heuristic"), 1)
    assert record.search is not None
    assert record.search.surprise is None
    assert "surprise" not in record.search.to_json()


def test_a_cut_short_search_is_not_worth_learning() -> None:
    (record,) = played(some_options(players="gumbel@8?full=0.5&fast=2"), 1)
    assert record.search is not None
    assert 0.2 < record.search.has_policy.mean() < 0.8


def test_a_share_of_the_games_begins_at_random() -> None:
    records = played(some_options(players="random", settings={"opening": {"share": 0.5, "moves": 6}}), 300)
    begun = [record.opening for record in records if record.opening]
    assert len(begun) / 300 == pytest.approx(0.5, abs=0.1)
    assert min(begun) == 1
    assert {4, 5, 6} <= set(begun) <= set(range(1, 20)), "moves of two actions and forced ones come on top"
    assert not any(
        record.opening for record in played(some_options(players="random", settings={"opening": {"share": 0}}), 9)
    )


def test_a_share_of_the_games_begins_in_hard_positions() -> None:
    hard = []
    for record in played(some_options(players="random"), 3):
        actions = record.actions[:20].tolist()
        game = Game("hex8")
        for action in actions:
            game.play(action)
        hard.append(
            HardPosition(
                actions=actions, hash=f"{game.hash():016x}", reason="surprise", score=1, best=actions[0], value=0
            )
        )
    pool = HardPositions(config="hex8_2p", positions=hard)
    options = some_options(players="heuristic", settings={"opening": {"share": 0.0, "hard": 0.5}}, positions=pool)
    records = played(options, 40)
    begun = [record for record in records if record.opening]
    assert 10 <= len(begun) <= 30
    beginnings = {tuple(position.actions) for position in hard}
    assert {tuple(record.actions[:20].tolist()) for record in begun} == beginnings
    assert lines(played(options, 10, side_by_side=3)) == lines(records[:10])
    assert options.fingerprint != replace(options, positions=None).fingerprint


def test_the_temperature_makes_games_differ_where_players_would_repeat_themselves() -> None:
    def distinct(players: str, start: float) -> int:
        steps = StepSettings(start=start, end=0.0)
        settings = {"opening": {"share": 0.0}, "temperature": {"alphazero": steps}}
        return len({record.actions.tobytes() for record in played(some_options(players=players, settings=settings), 6)})

    assert distinct("puct@8", 0.0) == 1
    assert distinct("puct@8", 1.0) == 6
    assert distinct("puct@8?temperature=0", 1.0) == 1, "a spec that names its temperature keeps it"
    assert distinct("puct@8?temperature=1", 0.0) == 6


def test_a_game_stops_at_the_limit_of_moves() -> None:
    (record,) = played(some_options(players="random", max_moves=30), 1)
    assert (record.winner, record.reason, record.ranks, record.max_moves) == (None, None, None, 30)
    assert read_line(record.to_line()).ranks is None


def test_moves_are_counted_in_running_games_too() -> None:
    options = some_options(players="random")
    selfplay = SelfPlay(options, PlayerPool(options, NOWHERE), side_by_side=4)
    seen: list[int] = []
    records = list(selfplay.play(range(8), after_step=lambda: seen.append(selfplay.moves)))
    assert seen == sorted(seen)
    assert len(records) == 8
    assert 0 < seen[0] < seen[-1] == selfplay.moves


def test_a_game_with_more_statistics_than_there_is_room_for_gets_more_room() -> None:
    recorder = SearchRecorder(2, 2)
    wide = FIRST_ENTRIES // 2 + 1
    actions = np.arange(2 * wide, dtype=np.int32)
    output = empty_output(np.array([0, wide, 2 * wide], np.int64), actions, 2)
    output.policy_probs[:] = 1 / wide
    slots, has_policy = np.array([0, 1]), np.ones(2, np.bool_)
    for index in range(FIRST_DECISIONS + 2):
        recorder.add(slots, np.full(2, index), output, has_policy)
    for slot in slots.tolist():
        kept = recorder.take(slot)
        assert kept is not None
        assert kept.action_index.tolist() == list(range(FIRST_DECISIONS + 2))
        assert (kept.policy_lengths == wide).all()
        own = actions[slot * wide : (slot + 1) * wide]
        assert np.array_equal(kept.policy_actions, np.tile(own, FIRST_DECISIONS + 2))
        assert (kept.policy_probs == round(65535 / wide)).all()
    assert recorder.take(0) is None
