"""Evaluations that other machines take part in: questions, answers, and the verification of answers here.

A question is a text that any machine with the models can answer. Verified answers are in the database, so that the
evaluation itself, run here, finds its games played, judges them, and plays what is still missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from ringrift.agents import promoted_model
from ringrift.agents.champion import find_promoted
from ringrift.evaluation.fixtures import Fixture
from ringrift.evaluation.gauntlet import gauntlet_fixtures
from ringrift.evaluation.match_runner import MatchRunner
from ringrift.evaluation.participants import Participant, UnknownModel, find_predecessor, model_participant, participant
from ringrift.evaluation.rating import rating_fixtures
from ringrift.evaluation.regression import regression_fixture
from ringrift.evaluation.shadow import SHADOW, shadow_fixtures
from ringrift.evaluation.shared_games import BadGames, FixtureReport, open_fixtures, play_fixture, take_games
from ringrift.evaluation.store import count_evaluations
from ringrift.evaluation.tournament import TOURNAMENT, tournament_fixtures
from ringrift.game import parse_config
from ringrift.models.champion import checked_champion
from ringrift.models.newest import newest_model
from ringrift.models.settings import GateSettings
from ringrift.models.shared_trial import TrialReport, run_trial, stored_trial, take_trial, trial_request
from ringrift.models.store import ModelStore, unregistered
from ringrift.run_context import RunContext
from ringrift.strict_json import BadJson, parse_json

Purpose = Literal["gauntlet", "rating", "shadow", "tournament"]
TRIAL: Final = "trial"


@dataclass(frozen=True)
class Question:
    """Games that a machine is to play: a fixture, or the trial of a model."""

    asked: Fixture | Path
    """The fixture, or the file of the model that is tried."""

    @property
    def is_trial(self) -> bool:
        """Whether a model is tried."""
        return isinstance(self.asked, Path)

    @property
    def models(self) -> tuple[str, ...]:
        """The files of the models that take part."""
        return (str(self.asked),) if isinstance(self.asked, Path) else self.asked.models

    @property
    def files(self) -> list[str]:
        """The files that a machine needs for it."""
        sides = [str(Path(path).with_suffix(".json")) for path in self.models if path.endswith(".pth")]
        return [*self.models, *sides]

    def within(self, home: Path) -> Question:
        """Return the question for a process that does not work in the folder that holds the models."""
        return Question(home / self.asked) if isinstance(self.asked, Path) else self

    def to_text(self) -> str:
        """Return the question as a text in one line."""
        return orjson.dumps({TRIAL: str(self.asked)} if self.is_trial else self._fixture().to_json()).decode()

    @classmethod
    def read(cls, text: str) -> Question:
        """Return the question of a text; `BadFixture` says what is wrong with it."""
        try:
            content = parse_json(text)
        except BadJson:
            content = None
        if isinstance(content, dict) and content.keys() == {TRIAL} and isinstance(content[TRIAL], str):
            return cls(Path(content[TRIAL]))
        return cls(Fixture.read(text))

    def _fixture(self) -> Fixture:
        assert isinstance(self.asked, Fixture)
        return self.asked


@dataclass(frozen=True)
class Answer:
    """The games that a machine has played, and the question that they answer."""

    question: Question
    report: FixtureReport | TrialReport

    def to_json(self) -> dict[str, Any]:
        """Return all of it in JSON's types."""
        return {"question": self.question.to_text(), "answer": self.report.to_json()}


def ask(
    store: ModelStore, config: str, purpose: Purpose, forms: Sequence[str], runner: MatchRunner, model: Path | None
) -> list[Question]:
    """Return what machines can play for an evaluation of a config and is not here yet; nothing without a model.

    :param forms: how models play; a gauntlet and a shadow evaluation take the first.
    :param model: the file of the model; None for the newest. A tournament has the champion in its place.
    """
    parse_config(config)
    champion = _champion_file(store, config)
    if purpose == "tournament":
        return _questions(store, _of_tournament(store, config, champion, forms[0], runner), runner)
    try:
        path = newest_model(store, config) if model is None else model
    except UnknownModel:
        return []
    pairs = [(model_participant(path, form), _player(champion, form)) for form in forms]
    if purpose == "rating":
        fixtures = [fixture for pair in pairs for fixture in rating_fixtures(config, *pair, runner)]
        return _questions(store, list(dict.fromkeys(fixtures)), runner)
    if purpose == "shadow":
        return _questions(store, _of_shadow(store, config, path, champion, forms[0], runner), runner)
    return _questions(store, gauntlet_fixtures(config, *pairs[0], runner.settings.gauntlet), runner)


def ask_trial(store: ModelStore, model: Path, settings: GateSettings) -> Question | None:
    """Return the trial of a model as a question; None if another machine has answered it before."""
    request = trial_request(unregistered(model), str(model), settings)
    return Question(model) if stored_trial(store.database, request, settings) is None else None


def answer(question: Question, runner: MatchRunner, gate: GateSettings) -> Answer:
    """Play what a question asks for, here; games that this machine has played before count."""
    if isinstance(question.asked, Fixture):
        return Answer(question, play_fixture(question.asked, runner))
    model = unregistered(question.asked)
    request = trial_request(model, str(question.asked.absolute()), gate)
    return Answer(question, run_trial(request, RunContext(gate, runner.context.progress, runner.context.cancellation)))


def tell(question: Question, report: object, runner: MatchRunner, gate: GateSettings, source: str) -> int:
    """Verify what a machine has answered, and store it; return the number of games. `BadGames` names what is wrong."""
    content = report.get("answer") if isinstance(report, dict) else None
    if not isinstance(content, dict):
        raise BadGames(f"{source}: its answer cannot be read: `ringrift evaluations answer` prints one")
    if isinstance(question.asked, Fixture):
        return take_games(question.asked, content.get("games"), runner, source)
    request = trial_request(unregistered(question.asked), str(question.asked), gate)
    return take_trial(runner.database, request, content.get("trial"), source)


def read_answer(path: Path) -> tuple[Question, object]:
    """Return a question and its answer, read from a file that `answer` has printed; `BadGames` if it is none."""
    try:
        content = parse_json(path.read_bytes())
    except OSError as error:
        raise BadGames(f"{path}: cannot be read ({error.strerror})") from None
    except BadJson as error:
        raise BadGames(f"{path}: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("question"), str):
        raise BadGames(f"{path}: is no answer: `ringrift evaluations answer` prints one")
    return Question.read(content["question"]), content


def _champion_file(store: ModelStore, config: str) -> Path | None:
    """Return the file of the champion, its own one in the store; `BadChampion` if it is not what it was."""
    champion = checked_champion(store, config)
    return find_promoted(store.folder, config) if champion is None else Path(store.path(champion))


def _player(model: Path | None, form: str) -> Participant | None:
    return None if model is None else model_participant(model, form)


def _of_tournament(
    store: ModelStore, config: str, champion: Path | None, form: str, runner: MatchRunner
) -> list[Fixture]:
    settings = runner.settings.tournament
    players: list[Participant] = [participant(spec, config) for spec in settings.players[parse_config(config)[1]]]
    if champion is not None:
        players += [model_participant(champion, way) for way in dict.fromkeys(("policy", form))]
    return tournament_fixtures(config, players, settings.games, count_evaluations(store.database, config, TOURNAMENT))


def _of_shadow(
    store: ModelStore, config: str, model: Path, champion: Path | None, form: str, runner: MatchRunner
) -> list[Fixture]:
    before = find_predecessor(store.folder, config, model)
    if before == promoted_model(store.folder, config):
        before = champion
    player, predecessor = model_participant(model, form), _player(before, form)
    number = count_evaluations(store.database, config, SHADOW)
    fixtures = shadow_fixtures(config, player, predecessor, number, runner)
    if predecessor is not None and predecessor.name != player.name:
        following = regression_fixture(config, player, predecessor, runner)
        fixtures += [] if following is None else [following]
    return fixtures


def _questions(store: ModelStore, fixtures: Sequence[Fixture], runner: MatchRunner) -> list[Question]:
    """Return questions for what is not played yet; models outside the folder of models do not leave this machine."""
    portable = [
        fixture for fixture in fixtures if all(Path(path).is_relative_to(store.folder) for path in fixture.models)
    ]
    return [Question(fixture) for fixture in open_fixtures(portable, runner)]
