"""Who would give up, and how a game goes on then."""

from __future__ import annotations

import numpy as np
import pytest

from ringrift.agents import cheaper
from ringrift.selfplay.report import Tally
from ringrift.selfplay.resignation import Resignations
from ringrift.selfplay.settings import ResignationSettings
from tests.selfplay.runs import lines, played, some_options

SETTINGS = ResignationSettings(below=-0.9, decisions=3, simulations=0.25)
ALWAYS = {"resignation": {"below": 1.0, "decisions": 3}}
"""Settings under which nobody has any hope."""


def watch(table: Resignations, slot: int, seat: int, value: float) -> list[tuple[int, int]]:
    values = np.full((1, table.cheap.shape[1]), -value, np.float32)
    values[0, seat] = value
    return table.watch(np.array([slot]), np.array([seat]), values)


def test_who_sees_no_hope_several_times_in_a_row_gives_up() -> None:
    table = Resignations(2, 2, SETTINGS)
    for value in (-0.95, -0.91, -0.89, -1.0, -1.0):
        assert watch(table, 1, 0, value) == []
        assert watch(table, 1, 1, 0.9) == [], "the other's hope is another matter"
    assert watch(table, 1, 0, -0.92) == [(1, 0)]


def test_only_the_first_to_give_up_counts_and_the_next_game_begins_anew() -> None:
    table = Resignations(1, 2, SETTINGS)
    for _ in range(2):
        watch(table, 0, 0, -1)
        watch(table, 0, 1, -1)
    assert watch(table, 0, 0, -1) == [(0, 0)]
    table.give_up(0, 0, at=17)
    assert watch(table, 0, 1, -1) == []
    assert table.take(0) == (1, 17)
    assert not table.cheap.any()
    assert watch(table, 0, 1, -1) == []
    assert table.take(0) is None


@pytest.mark.parametrize(("players", "cheap"), [(2, [True, True]), (3, [False, True, False])])
def test_with_two_players_both_play_on_cheaply_else_the_one_alone(players: int, cheap: list[bool]) -> None:
    table = Resignations(1, players, SETTINGS)
    table.give_up(0, 1, at=5)
    assert table.cheap[0].tolist() == cheap


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("gumbel:x.pth@64?noise=1&full=0.25&fast=16&symmetry=1", "gumbel:x.pth@16?symmetry=1"),
        ("puct@8", "puct@2"),
        ("gumbel:heuristic@2?noise=1", "gumbel:heuristic@1"),
        ("gumbel", "gumbel@37"),
        ("puct@1", None),
        ("heuristic", None),
        ("random", None),
        ("minimax@4", None),
    ],
)
def test_the_cheaper_version_of_a_player(spec: str, expected: str | None) -> None:
    assert cheaper(spec, 0.25) == expected


def test_the_rest_of_a_resigned_game_is_not_learned_and_the_resignation_is_checked() -> None:
    records = played(some_options(players="puct:heuristic@12?weights=v1", settings=ALWAYS), 8)
    tally = Tally(games_before=0, games_wanted=8)
    for record in records:
        assert record.resigned is not None
        assert record.search is not None
        at = record.resigned[1]
        assert np.array_equal(record.search.has_policy, record.search.action_index <= at), "both players, from then on"
        assert (record.search.action_index < at).sum() in (4, 5), "two decisions of this player, and those of the other"
        assert at > record.opening
        tally.add(record)
    assert tally.resigned == 8
    assert tally.resigned_won == sum(record.resigned[0] == record.winner for record in records if record.resigned)
    again = played(some_options(players="puct:heuristic@12?weights=v1", settings=ALWAYS), 8, side_by_side=3)
    assert lines(again) == lines(records)


def test_the_rest_of_a_resigned_game_is_searched_less() -> None:
    (record,) = played(some_options(players="puct@64", settings=ALWAYS), 1)
    assert record.search is not None
    assert record.resigned is not None
    late = np.repeat(record.search.action_index > record.resigned[1], record.search.policy_lengths)
    sixteenths = record.search.policy_probs * 16 / 65535  # the policy of PUCT is the share of the visits
    whole = np.abs(sixteenths - np.rint(sixteenths)) < 1e-3
    assert whole[late].all()
    assert not whole[~late].all()


def test_without_resignation_every_game_is_searched_in_full() -> None:
    (record,) = played(some_options(players="puct@8", settings=ALWAYS, resigns=False), 1)
    assert record.resigned is None
    assert record.search is not None
    assert record.search.has_policy.all()
