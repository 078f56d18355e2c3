"""Weights learn to choose as a search does; games find the mix of lessons that is the best in both uses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from rich.console import Console

from ringrift.cli.render import rendered
from ringrift.game import Game, parse_config
from ringrift.heuristic import FEATURE_COUNT, FEATURE_NAMES, frozen_weights, read_weights
from ringrift.kernels.types import F64
from ringrift.run_context import Cancelled, RunContext
from ringrift.tuning import comparison_training as comparison_training_module
from ringrift.tuning import lessons as lessons_module
from ringrift.tuning.comparison import agreement, choice_loss, fit_mix, logistic_loss
from ringrift.tuning.comparison_training import MEAN, train_by_comparison
from ringrift.tuning.fitness import Fitness, Games, search_fitness
from ringrift.tuning.lessons import ComparisonPlan, Lessons, comparison_folder, learn_lessons
from ringrift.tuning.positions import relative_features
from ringrift.tuning.rollouts import Rollouts, roll_out
from ringrift.tuning.run import BadRun
from ringrift.tuning.selection import Standing, select_weights
from ringrift.tuning.settings import ComparisonSettings, Mix, SelectionSettings, tuning_settings
from ringrift.tuning.teacher import MOST_ACTIONS, Choices, ChoiceWriter, play_teacher

CONFIG = "square8_2p"
CAPTIVES = FEATURE_NAMES.index("captives")
MEANINGLESS = FEATURE_NAMES.index("centre")
SELECTION = SelectionSettings(
    rounds=3, one_ply_games=20, search_games=20, growth=2, one_ply_elo=50, search_elo=30, nodes=5
)
TINY = ComparisonSettings(
    games=2,
    nodes=5,
    blunders=0.2,
    rollouts=6,
    temperature=1.0,
    mixes=[Mix(choices=1, results=1, values=0, prior=0.1), Mix(choices=1, results=0, values=1, prior=0.1)],
    selection=SELECTION.model_copy(update={"rounds": 2, "one_ply_games": 2, "search_games": 2}),
)


def context() -> RunContext[object]:
    return RunContext(None)


def planted_lessons(planted: F64, seed: int = 1) -> Lessons:
    """2,000 decisions between five actions and as many results, made by planted weights."""
    draw = np.random.default_rng(seed)
    features = draw.normal(size=(10_000, FEATURE_COUNT)) / 4
    logits = 4 * features @ planted + draw.gumbel(size=10_000)
    chosen = logits.reshape(-1, 5).argmax(1) + 5 * np.arange(2000)
    own = draw.normal(size=(2000, FEATURE_COUNT))
    positions = np.stack([own, -own], 1)
    won = np.where(draw.random(2000) < 1 / (1 + np.exp(-own @ planted)), 1.0, -1.0)
    values = np.tanh(own @ planted / 2)
    counts = np.full(2000, 5)
    choices = Choices(features, np.zeros(10_000), counts, chosen, positions, np.stack([values, -values], 1))
    return Lessons(choices, Rollouts(positions, np.stack([won, -won], 1)))


@pytest.mark.parametrize("lesson", ["choices", "results", "values"])
def test_each_lesson_alone_teaches_planted_weights(lesson: str) -> None:
    """A planted good feature is found, and one without meaning gets a weight near zero."""
    planted = np.full(FEATURE_COUNT, 0.5)
    planted[[CAPTIVES, MEANINGLESS]] = 1.5, 0.0
    shares = {"choices": 0.0, "results": 0.0, "values": 0.0} | {lesson: 1.0}
    start = np.full(FEATURE_COUNT, 0.5)
    learned = fit_mix(planted_lessons(planted), Mix(**shares, prior=1e-5), start)
    assert abs(learned[CAPTIVES] - 1.5) < 0.35
    assert abs(learned[MEANINGLESS]) < 0.25
    assert fit_mix(planted_lessons(planted), Mix(**shares, prior=1e6), start) == pytest.approx(start, abs=1e-3)


def test_the_gradients_are_those_of_the_losses() -> None:
    taught = planted_lessons(np.ones(FEATURE_COUNT))
    features, shares = taught.results
    weights, step = np.linspace(-1, 1, FEATURE_COUNT), 1e-5
    for loss in (lambda at: choice_loss(taught.choices, at), lambda at: logistic_loss(features, shares, at)):
        slope = [
            (loss(weights + step * axis)[0] - loss(weights - step * axis)[0]) / (2 * step)
            for axis in np.eye(FEATURE_COUNT)
        ]
        assert loss(weights)[1] == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_a_choice_among_actions_that_end_the_game_needs_no_features() -> None:
    """The search chose to win; weights that see no features there agree, and with a lost game they do not."""
    one = Choices(
        np.zeros((2, FEATURE_COUNT)), np.array([20.0, -20.0]), np.array([2]), np.array([0]), np.zeros(0), np.zeros(0)
    )
    assert agreement(one, frozen_weights()) == 1
    assert agreement(replace(one, chosen=np.array([1])), frozen_weights()) == 0
    assert choice_loss(one, frozen_weights())[0] == pytest.approx(0, abs=1e-9)


def test_actions_are_worth_what_they_lead_to() -> None:
    """The features of an action are those of the position behind it, as `relative_features` gives them."""
    game = Game("square8", players=3)
    actions = game.legal_actions()[:3]
    features, ended = ChoiceWriter(game.board).children(game.array, actions)
    assert features.shape == (3, FEATURE_COUNT)
    for action, row in zip(actions, features, strict=True):
        after = game.copy()
        after.play(action)
        assert row == pytest.approx(relative_features("square8_3p", np.array([after.array]))[0, 0], abs=1e-6)
    assert not ended.any()


@pytest.mark.parametrize("config", [CONFIG, "hex8_3p"])
def test_a_teacher_keeps_what_it_chose_and_thought(config: str) -> None:
    players = parse_config(config)[1]
    choices = play_teacher(config, frozen_weights(), 2, 20, 0.1, 3, context())
    decisions = len(choices.counts)
    assert decisions > 20
    assert choices.features.shape == (choices.counts.sum(), FEATURE_COUNT)
    assert choices.positions.shape == (decisions, players, FEATURE_COUNT)
    assert choices.values.shape == (decisions, players)
    first = np.cumsum(choices.counts) - choices.counts
    assert ((first <= choices.chosen) & (choices.chosen < first + choices.counts)).all()
    assert choices.counts.max() <= MOST_ACTIONS
    assert agreement(choices, frozen_weights()) > agreement(choices, -frozen_weights())
    again = play_teacher(config, frozen_weights(), 2, 20, 0.1, 3, context())
    assert again.chosen.tolist() == choices.chosen.tolist()


def test_rollouts_are_of_positions_of_all_kinds() -> None:
    rollouts = roll_out(CONFIG, frozen_weights(), 12, 1.0, 2, context())
    assert rollouts.features.shape == (12, 2, FEATURE_COUNT)
    assert abs(rollouts.values.sum(1)).max() < 1e-6  # what one wins the other loses
    hand = rollouts.features[:, 0, FEATURE_NAMES.index("markers")]
    assert len(np.unique(hand)) > 3
    again = roll_out(CONFIG, frozen_weights(), 12, 1.0, 2, context())
    assert again.values.tolist() == rollouts.values.tolist()


class PlantedFitness:
    """Scores by the first weight, with chance, and which candidates were asked for."""

    def __init__(self, slope: float) -> None:
        self.slope = slope
        self.asked: list[tuple[int, int]] = []

    def __call__(self, candidates: F64, panel: F64, games: Games) -> F64:
        """Return noisy scores."""
        self.asked.append((len(candidates), games.openings))
        luck = np.random.default_rng(games.seed).normal(size=(1, games.openings)) / 10
        return np.asarray(0.5 + self.slope * candidates[:, :1] + luck)


def test_the_better_half_plays_on_and_the_worse_of_both_uses_counts() -> None:
    """What is best one action ahead is the worst in the search here, so that the middle is chosen."""
    candidates = np.zeros((5, FEATURE_COUNT))
    candidates[:, 0] = [-2, -1, 0.4, 1, 2]
    one_ply, search = PlantedFitness(0.1), PlantedFitness(-0.1)
    standings = select_weights(
        CONFIG, candidates, frozen_weights(), (one_ply, search), SELECTION, seed=1, context=context()
    )
    assert one_ply.asked == search.asked == [(5, 10), (3, 20), (2, 40)]
    assert standings[0].weights[0] == 0.4
    assert len(standings) == 5
    assert [len(one.one_ply) for one in standings] == [70, 70, 30, 10, 10]


def test_who_has_not_played_is_worth_nothing() -> None:
    assert Standing(np.zeros(FEATURE_COUNT)).merit(SELECTION) == -np.inf


def plan_of(settings: ComparisonSettings = TINY) -> ComparisonPlan:
    return ComparisonPlan(CONFIG, tuple(frozen_weights().tolist()), 0, settings)


def test_training_comes_to_weights_with_their_origin(tmp_path: Path) -> None:
    report = train_by_comparison(tmp_path / "run", plan_of(), context())
    text = report.path.read_text()
    assert text.startswith("# Comparison training: ")
    assert read_weights(report.path) == pytest.approx(list(report.weights.values()), rel=1e-3, abs=1e-6)
    assert len(report.mixes) == 3  # those of the settings, and their mean
    assert MEAN in [mix.mix for mix in report.mixes]
    assert report.games == sum(mix.games for mix in report.mixes)
    console = Console(width=140)
    with console.capture() as capture:
        console.print(rendered(report))
    assert "Elo, search" in capture.get()
    assert report.to_json()["path"] == str(report.path)


def test_lessons_that_have_been_played_are_not_played_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = learn_lessons(tmp_path, plan_of(), context())

    def never(*_: object) -> None:
        raise AssertionError("played again")

    monkeypatch.setattr(lessons_module, "play_teacher", never)
    monkeypatch.setattr(lessons_module, "roll_out", never)
    again = learn_lessons(tmp_path, plan_of(), context())
    assert again.choices.features.tolist() == first.choices.features.tolist()
    assert again.rollouts.values.tolist() == first.rollouts.values.tolist()


def test_games_of_the_selection_that_have_been_played_are_not_played_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = train_by_comparison(tmp_path, plan_of(), context())
    scores = sorted((tmp_path / "scores").iterdir())
    scores[-1].unlink()  # as if it had been killed in the last round
    played = []

    def counted(config: str, nodes: int) -> Fitness:
        def fitness(candidates: F64, panel: F64, games: Games) -> F64:
            played.append(games)
            return search_fitness(config, nodes)(candidates, panel, games)

        return fitness

    monkeypatch.setattr(comparison_training_module, "search_fitness", counted)
    again = train_by_comparison(tmp_path, plan_of(), context())
    assert (again.weights, again.mixes) == (first.weights, first.mixes)
    assert len(played) == 1
    assert sorted((tmp_path / "scores").iterdir()) == scores


def test_a_cancelled_training_says_how_far_it_came(tmp_path: Path) -> None:
    stopped = Event()
    stopped.set()
    with pytest.raises(Cancelled, match=r"square8_2p: stopped after 0 of 2 games of the teacher"):
        train_by_comparison(tmp_path, plan_of(), RunContext(None, cancellation=stopped))


def test_another_plan_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with comparison_folder(tmp_path, plan_of()):
        pass
    with comparison_folder(tmp_path, plan_of()):
        pass  # the same goes on
    other = plan_of(TINY.model_copy(update={"games": 3}))
    with pytest.raises(BadRun, match="holds a run with other settings"), comparison_folder(tmp_path, other):
        pass


@pytest.mark.parametrize(
    ("name", "content"), [("choices.npz", b""), ("choices.npz", b"PK\x03\x04 half"), ("scores", b"")]
)
def test_a_file_that_was_cut_off_is_refused_in_one_line(name: str, content: bytes, tmp_path: Path) -> None:
    train_by_comparison(tmp_path, plan_of(), context())
    damaged = next((tmp_path / "scores").iterdir()) if name == "scores" else tmp_path / name
    damaged.write_bytes(content)
    with pytest.raises(BadRun, match=r"cannot be read .*; remove it, and it is played again"):
        train_by_comparison(tmp_path, plan_of(), context())


def test_a_damaged_file_of_lessons_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "choices.npz").write_bytes(b"not an archive")
    with pytest.raises(BadRun, match=r"choices.npz: cannot be read .* remove it, and it is played again"):
        learn_lessons(tmp_path, plan_of(), context())


def test_the_settings_have_mixes() -> None:
    mixes = tuning_settings().comparison.mixes
    assert len(set(map(str, mixes))) == len(mixes) > 1
