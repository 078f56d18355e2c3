"""The conditions of a promotion, one function each: it measures a value, and judges whether that is enough.

They are listed in the order in which they are looked at: what costs nothing first, games last. A gauntlet that was
lost comes before the games that it left unplayed: the first condition that is not met is the cause.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Final, NamedTuple

import numpy as np

from ringrift.agents import FROZEN_HEURISTIC, Agent
from ringrift.clock import seconds_since
from ringrift.errors import RingRiftError
from ringrift.evaluation.store import store_game
from ringrift.game import parse_config
from ringrift.models.results import Results
from ringrift.models.settings import GateSettings
from ringrift.models.shared_trial import StoredTrial, start_trial, stored_trial, trial_request
from ringrift.models.store import ModelStore, StoredModel
from ringrift.models.trial import Inference, Trial, TrialFault, TrialGames, TrialRequest
from ringrift.run_context import RunContext
from ringrift.statistics import wilson_interval

OF_GAUNTLET: Final = "as in evaluation.yaml"
"""The limit of conditions that the gauntlet judges by its own settings."""
NO_CHAMPION: Final = "there is no champion yet"
OF_TRIAL: Final = frozenset({"inference", "legal", "finish", "random", "heuristic"})
"""Conditions that take a trial of the model. Their findings stay true while model, champion and limits stay."""


class Finding(NamedTuple):
    """The result of a condition."""

    passed: bool
    measured: str
    value: float | None = None
    """The measured value as a number, in the unit of the limit."""
    limit: str | None = None
    """The limit in words, where the condition itself cannot know it."""
    undecided: bool = False
    """Whether it does not count against the model, which may be tried again."""


@dataclass
class Case:
    """A model at the gate, and all that the conditions measure of it."""

    store: ModelStore
    model: StoredModel
    champion: StoredModel | None
    last_change: int | None
    """The time of the last change of champions, seconds since 1970."""
    results: Results
    context: RunContext[GateSettings]
    factory: Callable[..., Agent]
    """The function that makes players of specs."""
    processes: ExitStack
    """The stack that ends the trial with the gate."""
    began: float = field(default_factory=time.monotonic)

    @property
    def settings(self) -> GateSettings:
        """The limits of the gate."""
        return self.context.settings

    @property
    def seconds(self) -> float:
        """The seconds that the gate has taken so far."""
        return time.monotonic() - self.began

    @cached_property
    def request(self) -> TrialRequest:
        """The trial that the model has to go through."""
        return trial_request(self.model, str(self.store.path(self.model).absolute()), self.settings, self.factory)

    @cached_property
    def elsewhere(self) -> StoredTrial | None:
        """The trial of the model on another machine; None if it has had none that counts."""
        return stored_trial(self.store.database, self.request, self.settings)

    @cached_property
    def trial(self) -> Trial:
        """The process that plays, started at the first use."""
        return self.processes.enter_context(
            start_trial(self.request, self.settings, self.context, deadline=self.began + self.settings.seconds)
        )

    def inference(self) -> Inference:
        """Return the times of the model's answers; `TrialFault` if it does not answer."""
        return self.elsewhere.inference if self.elsewhere is not None else self.trial.inference()

    @cached_property
    def games(self) -> TrialGames:
        """The games of the trial, each of which is kept."""
        if self.elsewhere is not None:
            return self.elsewhere.games
        return self.trial.games(partial(store_game, self.store.database, "trial"))


@dataclass(frozen=True)
class Condition:
    """One condition of a promotion."""

    name: str
    asks: str
    limit: str
    look: Callable[[Case], Finding]


def conditions(settings: GateSettings) -> tuple[Condition, ...]:
    """Return all conditions of a promotion, in the order in which they are looked at."""
    gauntlet, trial, fast = settings.gauntlet, settings.trial, settings.inference
    form = trial.player.replace(":{model}", "")
    on_gpu = f", of {' and '.join(fast.gpu)} on a GPU" if fast.gpu else ""
    limit_of_time = f"< {fast.milliseconds:g} ms"
    return (
        Condition("file", "the file is what was registered, and a sound network of the config", "sound", _file),
        Condition(
            "evaluated", "it has run the gauntlet, against the champion of now", "its newest gauntlet", _evaluated
        ),
        Condition("gauntlet random", "score against random in the gauntlet", OF_GAUNTLET, _gauntlet_random),
        Condition("gauntlet heuristic", "score against heuristic in the gauntlet", OF_GAUNTLET, _gauntlet_heuristic),
        Condition("gauntlet champion", "score against the champion in the gauntlet", OF_GAUNTLET, _gauntlet_champion),
        Condition("games", "games of the gauntlet against the champion", f"≥ {gauntlet.games}", _games),
        Condition("elo", "Elo over the champion", f"≥ {gauntlet.elo:+g}", _elo),
        Condition("pause", "time since the champion was changed", f"≥ {settings.pause_minutes:g} min", _pause),
        Condition("inference", f"median time of an answer for one position{on_gpu}", limit_of_time, _inference),
        Condition("legal", "moves that the rules do not allow", "0", _legal),
        Condition("finish", f"games end, at most {trial.stopped:.0%} of them at the limit of moves", "all", _finish),
        Condition(
            "random",
            f"won of {trial.random_games} games of the gate as {form} against random",
            f"> {trial.random:.0%}",
            _random,
        ),
        Condition(
            "heuristic",
            f"won of {trial.heuristic_games} games of the gate as {form} against heuristic",
            f"> {trial.heuristic:.0%}",
            _heuristic,
        ),
        Condition("time", "time of the gate in all", f"≤ {settings.seconds:g} s", _time),
    )


def _file(case: Case) -> Finding:
    from ringrift.networks import load_model  # late: torch is slow to import

    board, players = parse_config(case.model.config)
    try:
        case.store.read(case.model)
        network = load_model(case.store.path(case.model), board=board.name, players=players)
    except RingRiftError as error:
        return Finding(False, str(error))
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            return Finding(False, f"weights {name} are not finite")
    return Finding(True, f"{network.config.architecture}, SHA-256 {case.model.sha256[:8]}…")


def _pause(case: Case) -> Finding:
    if case.last_change is None:
        return Finding(True, NO_CHAMPION)
    age = seconds_since(case.last_change, f"the last change of the champion of {case.model.config}")
    if age is None:
        return Finding(True, "not known: the last change lies in the future, by a clock that was wrong")
    minutes = age / 60
    return Finding(minutes >= case.settings.pause_minutes, f"{minutes:.1f} min", minutes)


def _evaluated(case: Case) -> Finding:
    champion = case.champion
    if not case.results.scores:
        return Finding(False, f"no: `ringrift evaluate {case.model.config} {case.model.id}`")
    if champion is None:
        return Finding(True, NO_CHAMPION)
    if case.results.champion is None:
        return Finding(False, f"its gauntlet was before there was a champion, now {champion.id}: evaluate it again")
    if case.results.champion != champion.id:
        return Finding(False, f"its gauntlet was against {case.results.champion}: evaluate it again")
    return Finding(True, f"against {champion.id}")


def _games(case: Case) -> Finding:
    scores = case.results.scores
    if case.champion is None:
        games = sum(score.games for score in scores.values())
        return Finding(games >= case.settings.gauntlet.games, f"{games} against all, {NO_CHAMPION}", games)
    games = scores["champion"].games
    return Finding(games >= case.settings.gauntlet.games, f"{games}", games)


def _gauntlet_random(case: Case) -> Finding:
    return _scored(case, "random")


def _gauntlet_heuristic(case: Case) -> Finding:
    return _scored(case, "heuristic")


def _gauntlet_champion(case: Case) -> Finding:
    if case.champion is None:
        return Finding(True, NO_CHAMPION)
    return _scored(case, "champion")


def _scored(case: Case, opponent: str) -> Finding:
    """Judge a score by the gauntlet's own limit, so that a model cannot pass the one and fail the other."""
    score = case.results.scores.get(opponent)
    if score is None:
        return Finding(False, "it has not been played: evaluate it")
    measured = f"{_share_text(score.share, score.low, score.high, score.games)}, {score.verdict}"
    # A score that is not finished was ended by another opponent, whose condition fails.
    return Finding(score.verdict in ("passed", "not finished"), measured, score.share, score.wanted)


def _share_text(share: float, low: float, high: float, games: int) -> str:
    return f"{share:.1%} ({low:.1%} – {high:.1%}), {games} games"


def _elo(case: Case) -> Finding:
    if case.champion is None:
        return Finding(True, NO_CHAMPION)
    gain = case.results.gain
    if gain is None:
        return Finding(False, "it has no rating: evaluate it")
    return Finding(
        gain.elo >= case.settings.gauntlet.elo, f"{gain.elo:+.0f} ({gain.low:+.0f} … {gain.high:+.0f})", gain.elo
    )


def _inference(case: Case) -> Finding:
    try:
        inference = case.inference()
    except TrialFault as fault:
        return Finding(False, str(fault))
    median = float(np.median(inference.milliseconds))
    measured = f"{median:.2f} ms over {len(inference.milliseconds)} positions, {inference.device}"
    if not inference.finite:
        return Finding(False, f"its answers are not all finite numbers; {measured}", median)
    fast = median < case.settings.inference.milliseconds
    if not fast and not inference.gpu and (meant := _meant_for_gpu(case)):
        measured += f", which says nothing of a {meant}: it is meant for a GPU, see `inference` in models.yaml"
        return Finding(False, measured, median, undecided=True)
    return Finding(fast, measured, median)


def _meant_for_gpu(case: Case) -> str | None:
    """Return the architecture of the network if its answers are to be fast on a GPU; None if on any processor."""
    from ringrift.networks import read_info  # late: torch is slow to import

    architecture = read_info(case.store.path(case.model)).network.architecture
    return architecture if architecture in case.settings.inference.gpu else None


def _legal(case: Case) -> Finding:
    games = case.games
    if games.illegal is not None:
        return Finding(False, games.illegal, 1)
    if not games.decisions:
        return Finding(False, f"no decision; {games.fault}")
    return Finding(True, f"0 in {games.decisions} decisions", 0)


def _finish(case: Case) -> Finding:
    games = case.games
    played = sum(games.played.values())
    if games.fault is not None:
        return Finding(False, f"{played} of {games.wanted} games ended; {games.fault}", played)
    measured = f"{played} of {games.wanted} games ended, {games.stopped} at the limit of moves"
    return Finding(games.stopped <= case.settings.trial.stopped * played, measured, played)


def _random(case: Case) -> Finding:
    return _won(case, "random", case.settings.trial.random)


def _heuristic(case: Case) -> Finding:
    return _won(case, FROZEN_HEURISTIC, case.settings.trial.heuristic)


def _won(case: Case, opponent: str, limit: float) -> Finding:
    played, won = case.games.played[opponent], case.games.won[opponent]
    if not played:
        return Finding(False, "no game has ended")
    share = won / played
    return Finding(share > limit, _share_text(share, *wilson_interval(won, played), played), share)


def _time(case: Case) -> Finding:
    return Finding(case.seconds <= case.settings.seconds, f"{case.seconds:.0f} s", case.seconds)
