"""Ratings of a config: anchors pin the scale once, models are added, and their trend is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ringrift.evaluation.elo import Rating
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant, participant
from ringrift.evaluation.rating import elo_by_form, form_of, rate_model, trend, trends
from ringrift.evaluation.store import newest_ratings, rating_history
from tests.contexts import record

CONFIG = "square8_2p"


def fake_model(number: int, spec: str) -> Participant:
    """A player with the name of a model."""
    return Participant(f"policy:{number:016x}", spec)


def test_a_model_is_rated_against_anchors_and_champion(runner: MatchRunner) -> None:
    champion = participant("heuristic:v1?temperature=16", CONFIG)
    ratings = rate_model(CONFIG, participant("minimax@1?weights=v1", CONFIG), champion, runner)
    assert [rating.player for rating in ratings.players][-1] == "random"
    assert {rating.player: rating.games for rating in ratings.players} == {
        "minimax@1?weights=v1": 12,
        "heuristic:v1": 12,
        "random": 12,
        "heuristic:v1?temperature=16": 4,
    }
    assert newest_ratings(runner.database, CONFIG) == list(ratings.players)
    told: list[Any] = []
    watched = replace(runner, context=replace(runner.context, progress=record(told)))
    again = rate_model(CONFIG, participant("minimax@1?weights=v1", CONFIG), champion, watched)
    assert told and all(done == total for _, done, total, _ in told), "nothing is played again"
    assert again.players == ratings.players
    assert {entry.fit for entry in rating_history(runner.database, CONFIG)} == {1}, "the same fit is no news"


def test_models_have_a_trend_when_there_are_three(runner: MatchRunner) -> None:
    specs = ("random", "heuristic:v1?temperature=16", "heuristic:v1?temperature=1")
    for number, spec in enumerate(specs):
        assert trends(runner.database, CONFIG, 10) == []
        rate_model(CONFIG, fake_model(number, spec), None, runner)
    (found,) = trends(runner.database, CONFIG, 10)
    assert found.form == "policy"
    assert set(found.models) == {fake_model(number, "").name for number in range(3)}


def test_a_trend_is_the_slope_and_how_sure_it_is() -> None:
    steady = [Rating(f"{number}", 100.0 + 20 * number, 0, 0, 10) for number in range(5)]
    found = trend("policy", steady)
    assert (found.slope, found.low, found.high) == pytest.approx((20, 20, 20))
    wild = [Rating(f"{number}", 100.0 + 90 * (number % 2), 0, 0, 10) for number in range(6)]
    found = trend("policy", wild)
    assert found.low < 0 < found.slope < found.high
    assert str(found).startswith("policy: +8 Elo a model (-27 … +43) over the last 6")


@pytest.mark.parametrize(
    ("player", "form"),
    [
        ("policy:0123456789abcdef", "policy"),
        ("gumbel:0123456789abcdef@32?noise=1", "gumbel@32?noise=1"),
        ("gumbel:heuristic@64", None),
        ("heuristic:w0123456789abcdef?temperature=1", None),
        ("minimax:nnue-0123456789abcdef?nodes=1", None),
        ("gumbel:shipped-0123456789abcdef@32", None),
        ("mixed:1xrandom,2xpolicy:0123456789abcdef", None),
        ("minimax?nodes=1000", None),
        ("random", None),
    ],
)
def test_the_form_of_a_model_is_its_name_without_the_model(player: str, form: str | None) -> None:
    assert form_of(player) == form


def test_the_elo_of_a_model_is_not_that_of_the_same_one_as_the_package_has_it() -> None:
    """Nor that of a mixture in which it plays."""
    model = "0123456789abcdef"
    names = (f"gumbel:{model}@32", f"gumbel:shipped-{model}@32", f"mixed:1xpolicy:{model},1xrandom")
    ratings = [Rating(name, float(place), 0.0, 9.0, 10) for place, name in enumerate(names)]
    assert elo_by_form(ratings, model) == {"gumbel@32": (0.0, 0.0, 9.0)}
