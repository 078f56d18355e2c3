"""The conditions of a promotion, one function each: what is measured, and whether that is enough.

They are listed in the order in which they are looked at: what costs nothing first, games last. A gauntlet that was
lost is told before the games that it left unplayed: the first thing that is said is the cause.
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
from ringrift.models.store import ModelStore, StoredModel
from ringrift.models.trial import Trial, TrialFault, TrialGames, TrialRequest
from ringrift.run_context import RunContext
from ringrift.statistics import wilson_interval

OF_GAUNTLET: Final = "as in evaluation.yaml"
"""Where the limits stand that the gauntlet judges by."""
NO_CHAMPION: Final = "there is no champion yet"
OF_TRIAL: Final = frozenset({"inference", "legal", "finish", "random", "heuristic"})
"""Conditions that take a trial of the model. What they find stays true while model, champion and limits stay."""


class Finding(NamedTuple):
    """What a condition has come to."""

    passed: bool
    measured: str
    value: float | None = None
    """The measured value as a number, in the unit of the limit."""
    limit: str | None = None
    """The limit in words, where the condition itself cannot know it."""


@dataclass
class Case:
    """A model before the gate, and all that the conditions ask about it."""

    store: ModelStore
    model: StoredModel
    champion: StoredModel | None
    last_change: int | None
    """When the champion was changed last, seconds since 1970."""
    results: Results
    context: RunContext[GateSettings]
    factory: Callable[..., Agent]
    """Makes players of specs."""
    processes: ExitStack
    """Ends the trial with the gate."""
    began: float = field(default_factory=time.monotonic)

    @property
    def settings(self) -> GateSettings:
        """The limits of the gate."""
        return self.context.settings

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self.began

    @cached_property
    def trial(self) -> Trial:
        """The process that plays, started when it is asked for first."""
        settings = self.settings
        request = TrialRequest(
            config=self.model.config,
            id=self.model.id,
            model=str(self.store.path(self.model).absolute()),
            player=settings.trial.player,
            factory=f"{self.factory.__module__}:{self.factory.__qualname__}",
            positions=settings.inference.positions,
            games={"random": settings.trial.random_games, FROZEN_HEURISTIC: settings.trial.heuristic_games},
            seed=int(self.model.id, 16) >> 1,  # games of its own, which no rating has seen
            seconds=int(settings.seconds) + 1,
        )
        trial = Trial(
            request,
            self.context,
            threads=settings.inference.threads,
            deadline=self.began + settings.seconds,
            quiet=settings.trial.quiet_seconds,
        )
        return self.processes.enter_context(trial)

    @cached_property
    def games(self) -> TrialGames:
        """The games of the trial, each of which is kept."""
        return self.trial.games(partial(store_game, self.store.database, "trial"))


@dataclass(frozen=True)
class Condition:
    """One condition of a promotion."""

    name: str
    asks: str
    limit: str
    look: Callable[[Case], Finding]


def conditions(settings: GateSettings) -> tuple[Condition, ...]:
    """All conditions of a promotion, in the order in which they are looked at."""
    gauntlet, trial, fast = settings.gauntlet, settings.trial, settings.inference
    form = trial.player.replace(":{model}", "")
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
        Condition("inference", "median time of an answer for one position", f"< {fast.milliseconds:g} ms", _inference),
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
    """The gauntlet judges by limits of its own, so that a model cannot pass the one and fail the other."""
    score = case.results.scores.get(opponent)
    if score is None:
        return Finding(False, "it has not been played: evaluate it")
    told = f"{_told(score.share, score.low, score.high, score.games)}, {score.verdict}"
    # What is not finished was ended by another opponent, whose condition says no.
    return Finding(score.verdict in ("passed", "not finished"), told, score.share, score.wanted)


def _told(share: float, low: float, high: float, games: int) -> str:
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
        inference = case.trial.inference()
    except TrialFault as fault:
        return Finding(False, str(fault))
    median = float(np.median(inference.milliseconds))
    told = f"{median:.2f} ms over {len(inference.milliseconds)} positions, {inference.device}"
    if not inference.finite:
        return Finding(False, f"its answers are not all finite numbers; {told}", median)
    return Finding(median < case.settings.inference.milliseconds, told, median)


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
    told = f"{played} of {games.wanted} games ended, {games.stopped} at the limit of moves"
    return Finding(games.stopped <= case.settings.trial.stopped * played, told, played)


def _random(case: Case) -> Finding:
    return _won(case, "random", case.settings.trial.random)


def _heuristic(case: Case) -> Finding:
    return _won(case, FROZEN_HEURISTIC, case.settings.trial.heuristic)


def _won(case: Case, opponent: str, limit: float) -> Finding:
    played, won = case.games.played[opponent], case.games.won[opponent]
    if not played:
        return Finding(False, "no game has ended")
    share = won / played
    return Finding(share > limit, _told(share, *wilson_interval(won, played), played), share)


def _time(case: Case) -> Finding:
    return Finding(case.seconds <= case.settings.seconds, f"{case.seconds:.0f} s", case.seconds)
