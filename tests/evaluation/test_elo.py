"""Elo: planted strengths are found, and the intervals are worth what they say."""

from __future__ import annotations

from math import log10

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from scipy.stats import binomtest

from ringrift.cli.render import rendered
from ringrift.evaluation.elo import ELO, NoRating, fit_elo
from tests.evaluation.planted import planted_games, result, won

PLANTED = {"random": 0.0, "weak": 200.0, "strong": 450.0, "stronger": 500.0}
FITS = 60


@pytest.mark.parametrize(
    ("players", "openings", "alike"), [(2, 20, 0.0), (2, 20, 1.0), (3, 10, 0.5), (4, 8, 0.5)], ids=str
)
def test_planted_strengths_lie_in_95_of_100_intervals(players: int, openings: int, alike: float) -> None:
    draw = np.random.default_rng(1)
    covered = dict.fromkeys(PLANTED, 0)
    elsewhere, differences, mean = 0, 0, []
    for _ in range(FITS):
        ratings = fit_elo(planted_games(PLANTED, players, openings, draw, alike=alike))
        for name, elo in PLANTED.items():
            covered[name] += ratings[name].low <= elo <= ratings[name].high
        elsewhere += ratings["strong"].low <= PLANTED["strong"] + 300 <= ratings["strong"].high
        difference = ratings.difference("strong", "weak")
        differences += difference.low <= 250 <= difference.high
        mean.append(ratings["strong"].elo)
    for count in (*covered.values(), differences):
        assert binomtest(count, FITS, 0.95, "less").pvalue > 0.001, (covered, differences)
    assert elsewhere < FITS / 4, "intervals that hold everything would be no use"
    assert np.mean(mean) == pytest.approx(PLANTED["strong"], abs=3 * np.std(mean) / FITS**0.5 + 20)


@pytest.mark.parametrize("players", [2, 3, 4])
def test_a_seat_that_wins_more_often_makes_nobody_stronger(players: int) -> None:
    """Everybody has it equally often. It only hides strength: the same difference decides fewer games."""
    elo = {"random": 0.0, "equal": 0.0, "strong": 200.0}
    draw = np.random.default_rng(11)
    fair, unfair = (
        fit_elo(planted_games(elo, players, 800 // players, draw, alike=0.5, seats=seats))
        for seats in ((0.0,) * 4, (150.0, 0.0, 0.0, -150.0))
    )
    assert unfair["equal"].low < 0 < unfair["equal"].high
    assert 100 < unfair["strong"].elo < fair["strong"].high


def test_games_that_hang_together_make_wider_intervals() -> None:
    draw = np.random.default_rng(2)
    elo = {"random": 0.0, "other": 100.0}
    apart, together = (fit_elo(planted_games(elo, 2, 200, draw, alike=alike))["other"] for alike in (0.0, 1.0))
    # Two games that are one count as one: √2.
    assert (together.high - together.low) / (apart.high - apart.low) == pytest.approx(2**0.5, abs=0.15)


def test_the_covariance_by_blocks_is_the_sandwich_worked_out_by_hand() -> None:
    draw = np.random.default_rng(5)
    games = []
    for block in range(40):
        for _ in range(3):
            ranks = tuple((1 + draw.permutation(3)).tolist())
            games.append(result(("random", "b", "c"), ranks, f"{block}"))
            games.append(result(("b", "c", "c"), ranks, f"{block}"))
    ratings = fit_elo(games)
    names = [rating.player for rating in ratings.players]
    free = [name for name in names if name != "random"]
    logits = {name: ratings[name].elo / ELO for name in names}
    bread, scores = np.zeros((2, 2)), {game.block: np.zeros(2) for game in games}
    for game in games:
        for first, second, score in game.comparisons():
            signs = np.array([(name == first) - (name == second) for name in free], np.float64)
            expected = 1 / (1 + np.exp(logits[second] - logits[first]))
            bread += expected * (1 - expected) * np.outer(signs, signs)
            scores[game.block] += (score - expected) * signs
    inverse = np.linalg.inv(bread)
    meat = sum(np.outer(score, score) for score in scores.values())
    by_hand = ELO**2 * inverse @ meat @ inverse * 40 / (40 - 2)
    places = [names.index(name) for name in free]
    found = ratings.covariances[1][np.ix_(places, places)]
    # The pseudo-games, two among 600 comparisons, are not in what was worked out by hand.
    assert found == pytest.approx(by_hand, rel=0.05, abs=5)


def test_two_players_have_the_elo_of_their_odds_and_one_game_of_prior() -> None:
    rating = fit_elo(won("other", "random", 75, of=100))["other"]
    assert rating.elo == pytest.approx(400 * log10(75.5 / 25.5), abs=0.01)
    assert rating.games == 100
    # The error of a logit is 1 / √(n p q); with the game of the prior n is 101.
    reach = 1.96 * 400 / np.log(10) / (101 * 0.7475 * 0.2525) ** 0.5
    assert (rating.high - rating.low) / 2 == pytest.approx(reach, rel=0.02)


def test_a_player_who_has_won_everything_is_far_away_but_not_at_infinity() -> None:
    few, many = (fit_elo(won("other", "random", games, of=games)) for games in (10, 1000))
    assert few["other"].elo == pytest.approx(400 * log10(10.5 / 0.5), abs=0.1)
    assert few["other"].elo < many["other"].elo < 1500
    assert few["other"].low > 0, "ten wins say that it is stronger"
    assert many["other"].high > many["other"].elo + 300, "a thousand wins set no upper bound"
    assert "other: all points between it and random have gone one way" in few.notes[0]


def test_a_stopped_game_is_half_a_win() -> None:
    ratings = fit_elo([result(("random", "other"), None, f"{game}") for game in range(20)])
    assert ratings["other"].elo == pytest.approx(0, abs=1e-6)
    assert ratings.notes == ()


def test_level_ranks_are_half_a_win() -> None:
    games = [result(("other", "random", "random"), (2, 1, 2), "first"), result(("random", "other", "other"), (1, 2, 2))]
    assert list(games[0].comparisons()) == [("other", "random", 0.0), ("other", "random", 0.5)]
    assert [game.score("other") for game in games] == [0.25, 0.0]
    assert fit_elo(games)["other"].elo < 0


def test_players_are_compared_across_others() -> None:
    ratings = fit_elo([*won("middle", "random", 30, of=40), *won("best", "middle", 30, of=40)])
    assert [rating.player for rating in ratings.players] == ["best", "middle", "random"]
    assert ratings["best"].elo == pytest.approx(2 * ratings["middle"].elo, abs=0.01)
    step = ratings.difference("best", "middle")
    assert step.elo == pytest.approx(ratings["middle"].elo, abs=0.01)
    assert step.high - step.low < ratings["best"].high - ratings["best"].low, "the way to the anchor is shared"
    assert ratings.difference("middle", "best").elo == -step.elo


def test_who_never_met_the_anchor_is_left_out_and_named() -> None:
    ratings = fit_elo([*won("other", "random", 3, of=5), *won("stranger", "foreigner", 3, of=5)])
    assert "stranger" not in ratings
    assert [rating.player for rating in ratings.players] == ["other", "random"]
    assert ratings.notes == (
        "foreigner: left out, no games connect it with random",
        "stranger: left out, no games connect it with random",
    )
    with pytest.raises(NoRating, match="stranger: has no Elo"):
        ratings["stranger"]


def test_without_the_anchor_there_is_no_elo() -> None:
    for games in ([], won("one", "other", 3, of=5)):
        with pytest.raises(NoRating, match="no games of random, whose Elo is 0"):
            fit_elo(games)


def test_a_repeated_game_counts_once() -> None:
    games = won("other", "random", 6, of=10)
    assert fit_elo(games * 3).players == fit_elo(games).players


def test_ratings_print_as_a_table_and_are_json() -> None:
    ratings = fit_elo(won("other[/]", "random", 6, of=10))
    console = Console(width=100)
    with console.capture() as capture:
        console.print(rendered(ratings))
    assert "other[/]" in capture.get()
    assert [player["player"] for player in ratings.to_json()["players"]] == ["other[/]", "random"]


@settings(derandomize=True, max_examples=20)
@given(st.data())
def test_neither_order_of_games_nor_names_matter(data: st.DataObject) -> None:
    names = ["random", "b", "c"]
    seats = st.lists(st.sampled_from(names), min_size=3, max_size=3).filter(lambda seated: len(set(seated)) > 1)
    drawn = data.draw(st.lists(st.tuples(seats, st.permutations((1, 2, 3))), min_size=1, max_size=12))
    games = [result(("random", other, "c"), (1, 2, 3), other) for other in "bc"]
    games += [result(tuple(seated), tuple(ranks), f"{number % 4}") for number, (seated, ranks) in enumerate(drawn)]
    swapped = {"random": "random", "b": "c", "c": "b"}
    renamed = [
        result(tuple(swapped[name] for name in game.players), game.ranks, game.block)
        for game in data.draw(st.permutations(games))
    ]
    once, again = fit_elo(games), fit_elo(renamed)
    for name in names:
        assert again[swapped[name]].elo == pytest.approx(once[name].elo, abs=0.1)
        assert again[swapped[name]].low == pytest.approx(once[name].low, abs=0.5)
