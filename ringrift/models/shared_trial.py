"""The trial of a model on another machine, whose device then is the one that its answers are timed on.

Its games are replayed here, and counted from that; its times and its faults are taken as reported.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from ringrift.agents import FROZEN_HEURISTIC, Agent, make_agent
from ringrift.clock import seconds_since
from ringrift.evaluation import MatchPlan, PlayedGame
from ringrift.evaluation.shared_games import BadGames, SharedPart, packed_games, read_shared, verified_games
from ringrift.evaluation.store import run_of, store_evaluation, store_game, stored_evaluations, stored_games
from ringrift.game_database import GamesDatabase
from ringrift.game_database.packing import pack_actions
from ringrift.models.settings import GateSettings
from ringrift.models.store import StoredModel
from ringrift.models.trial import Inference, Trial, TrialFault, TrialGames, TrialRequest, trial_plans
from ringrift.run_context import RunContext

TRIAL: Final = "trial"
FACTS: Final = ("illegal", "fault", "decisions")
"""The fields of `TrialGames` that are taken as another machine reports them."""
Text = Annotated[str, Field(max_length=1000)]
Count = Annotated[int, Field(ge=0, lt=1 << 40)]


class SharedInference(BaseModel):
    """The times of a model's answers on another machine."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    milliseconds: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=1, max_length=100_000)]
    finite: bool
    device: Text
    gpu: bool


class SharedTrial(BaseModel):
    """The report of another machine about a trial."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inference: SharedInference | None
    illegal: Text | None
    fault: Text | None
    decisions: Count
    parts: Annotated[list[SharedPart], Field(max_length=10)]
    """The games against each opponent, whose spec is the name of the part."""


@dataclass(frozen=True)
class StoredTrial:
    """A trial on another machine."""

    measured: Inference | None
    games: TrialGames

    @property
    def inference(self) -> Inference:
        """The times of the model's answers; `TrialFault` if it has not answered."""
        if self.measured is None:
            raise TrialFault(self.games.fault or "the model has not answered")
        return self.measured


@dataclass(frozen=True)
class TrialReport:
    """A trial as it is handed over."""

    config: str
    model: str
    inference: Inference | None
    games: TrialGames
    played: dict[str, dict[int, bytes]]
    """The packed actions of the games by opponent and number."""

    def to_json(self) -> dict[str, Any]:
        """Return all of it in JSON's types, as `take_trial` reads it."""
        parts = [{"part": opponent, "games": packed_games(games)} for opponent, games in self.played.items()]
        facts = {name: getattr(self.games, name) for name in FACTS}
        trial = facts | {"inference": self.inference and asdict(self.inference), "parts": parts}
        return {"config": self.config, "model": self.model, "trial": trial}


def trial_request(
    model: StoredModel, path: str, settings: GateSettings, factory: Callable[..., Agent] = make_agent
) -> TrialRequest:
    """Return the trial that a model has to go through; its file is at `path`."""
    return TrialRequest(
        config=model.config,
        id=model.id,
        model=path,
        player=settings.trial.player,
        factory=f"{factory.__module__}:{factory.__qualname__}",
        positions=settings.inference.positions,
        games={"random": settings.trial.random_games, FROZEN_HEURISTIC: settings.trial.heuristic_games},
        seed=int(model.id, 16) >> 1,  # games of its own, which no rating has played
        seconds=int(settings.seconds) + 1,
    )


def start_trial(request: TrialRequest, settings: GateSettings, context: RunContext[Any], *, deadline: float) -> Trial:
    """Start the process of a trial; `deadline` is on the monotonic clock."""
    return Trial(
        request, context, threads=settings.inference.threads, deadline=deadline, quiet=settings.trial.quiet_seconds
    )


def run_trial(request: TrialRequest, context: RunContext[GateSettings]) -> TrialReport:
    """Let a model go through its trial here, for a gate elsewhere."""
    played: dict[str, dict[int, bytes]] = defaultdict(dict)

    def keep(plan: MatchPlan, game: PlayedGame) -> None:
        played[plan.players[1]][game.scheduled.number] = pack_actions(game.actions)

    settings = context.settings
    with start_trial(request, settings, context, deadline=time.monotonic() + settings.seconds) as trial:
        try:
            inference = trial.inference()
        except TrialFault as fault:
            return TrialReport(request.config, request.id, None, TrialGames(wanted=0, fault=str(fault)), {})
        games = trial.games(keep)
    return TrialReport(request.config, request.id, inference, games, dict(played))


def take_trial(database: GamesDatabase, request: TrialRequest, answer: object, source: str) -> int:
    """Verify the trial of a model on another machine, and store it; return the number of games. `BadGames`."""
    shared = read_shared(SharedTrial, answer, source)
    plans = {plan.players[1]: plan for plan in trial_plans(request)}
    broken = shared.inference is None or shared.illegal is not None or shared.fault is not None
    parts = {part.part: part.games for part in shared.parts}
    if not (parts.keys() <= plans.keys() if broken else parts.keys() == plans.keys()):
        raise BadGames(f"{source}: has played {', '.join(parts) or 'no opponent'} in the trial of {request.id}")
    verified = [
        (plans[opponent], game)
        for opponent, games in parts.items()
        for game in verified_games(plans[opponent], games, source, whole=not broken)
    ]
    for plan, game in verified:
        store_game(database, TRIAL, plan, game)
    report = shared.model_dump(exclude={"parts"}) | {"asked": _asked(request), "machine": source}
    store_evaluation(database, TRIAL, request.config, report, candidate=_player(request))
    return len(verified)


def stored_trial(database: GamesDatabase, request: TrialRequest, settings: GateSettings) -> StoredTrial | None:
    """Return the newest trial of a model on another machine that asked what a trial asks now, and is not too old."""
    for evaluation in stored_evaluations(database, request.config, kind=TRIAL, candidate=_player(request)):
        age = seconds_since(evaluation.finished, f"the trial of {request.id}")
        if age is None or age > settings.valid_hours * 3600 or evaluation.report["asked"] != _asked(request):
            continue
        plans = trial_plans(request)
        facts = {name: evaluation.report[name] for name in FACTS}
        games = TrialGames(wanted=sum(plan.games for plan in plans), **facts)
        for plan in plans:
            for result in stored_games(database, run_of(TRIAL, plan)).values():
                games.count(plan.players[1], result.winner() == plan.players[0], result.winner() is None)
        inference = evaluation.report["inference"]
        measured = inference and Inference(**inference | {"milliseconds": tuple(inference["milliseconds"])})
        return StoredTrial(measured, games)
    return None


def _player(request: TrialRequest) -> str:
    """Return the name of the player under which games and results are kept."""
    return request.player.replace("{model}", request.id)


def _asked(request: TrialRequest) -> dict[str, Any]:
    """Return what decides a trial of a model."""
    return {"player": request.player, "positions": request.positions, "games": dict(request.games)}
