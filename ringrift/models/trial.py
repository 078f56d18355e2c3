"""The gate's own games, played in a process of their own, so that a model that hangs or crashes is stopped.

The process (`trial_run.py`) reports events as lines of JSON; this side starts it, listens, and ends it.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

from ringrift.errors import RingRiftError
from ringrift.evaluation import MatchPlan, PlayedGame, ScheduledGame, seatings
from ringrift.evaluation.matches import PLIES_OF_A_TURN
from ringrift.game import parse_config
from ringrift.limits import move_limit
from ringrift.run_context import Cancelled, RunContext

LONGEST_COMPLAINT: Final = 200
"""Characters that are quoted of the last line of a crashed process."""

LOOK_SECONDS: Final = 0.5
"""Seconds between two checks whether a wait was cancelled."""
SILENCE: Final = ""


class TrialFault(RingRiftError):
    """The process has not done what it should: it hung, crashed, or took too long."""


@dataclass(frozen=True)
class TrialRequest:
    """The work of the process."""

    config: str
    id: str
    """The name of the model, under which its games are kept."""
    model: str
    """Path of the `.pth` file."""
    player: str
    """The spec of the player that plays the games; `{model}` stands for the path."""
    factory: str
    """The `module:function` that makes players of specs, as a rule `make_agent`."""
    positions: int
    """The number of positions that the time of inference is measured on."""
    games: Mapping[str, int]
    """The least games by opponent: whole openings are played, each in every seat order."""
    seed: int
    seconds: int
    """The time after which the process ends itself, should its parent be gone."""


def trial_plans(request: TrialRequest) -> list[MatchPlan]:
    """Return the matches of a trial, one against each opponent."""
    players = parse_config(request.config)[1]
    orders = len(seatings(2, players))
    return [
        MatchPlan(
            config=request.config,
            players=(request.player.replace("{model}", request.id), opponent),
            openings=-(-games // orders),
            opening_plies=PLIES_OF_A_TURN * players,
            max_moves=move_limit(request.config),
            seed=request.seed,
        )
        for opponent, games in request.games.items()
    ]


@dataclass(frozen=True)
class Inference:
    """The times in which a model answers."""

    milliseconds: tuple[float, ...]
    """The time for each position."""
    finite: bool
    """Whether all answers were numbers."""
    device: str
    gpu: bool
    """Whether that is a GPU."""


@dataclass
class TrialGames:
    """The results of the games so far."""

    wanted: int
    illegal: str | None = None
    """The first illegal move, in words."""
    fault: str | None = None
    """The fault that has kept the games from being played to their end; None if there is none."""
    played: Counter[str] = field(default_factory=Counter)
    """The games played by opponent."""
    won: Counter[str] = field(default_factory=Counter)
    stopped: int = 0
    """Games that reached the limit of moves."""
    decisions: int = 0
    """The decisions of the model."""

    def count(self, opponent: str, won: bool, stopped: bool) -> None:
        """Count a game that has ended."""
        self.played[opponent] += 1
        self.won[opponent] += won
        self.stopped += stopped


class Trial:
    """A running trial; a context that ends the process, whatever it is doing."""

    def __init__(
        self, request: TrialRequest, context: RunContext[object], *, threads: int, deadline: float, quiet: float
    ) -> None:
        """Start it.

        `deadline` is on the monotonic clock. Once games are played, it is stopped after `quiet` seconds without a
        decision. Networks on a CPU get `threads` threads.
        """
        self._deadline = deadline
        self._quiet = quiet
        self._context = context
        self._games = TrialGames(wanted=0)
        self._playing = False
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `__exit__`; a pipe could fill up
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ringrift.models.trial_run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
            start_new_session=True,  # Ctrl-C is for the parent: a process that it ends must not count against the model
        )
        assert self._process.stdin is not None
        with self._process.stdin as words:
            json.dump(asdict(request), words)
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self._stderr.close()

    def inference(self) -> Inference:
        """Return the times of the model's answers, the first part of the trial; `TrialFault` if there are none."""
        self._context.progress("waiting for the model's first answers", 0, 1)
        event = self._next("inference")
        return Inference(tuple(event["milliseconds"]), event["finite"], event["device"], event["gpu"])

    def games(self, keep: Callable[[MatchPlan, PlayedGame], None]) -> TrialGames:
        """Return the results of the games, up to a fault, if one comes; the second part of the trial.

        `keep` is called with every game as it ends, with the plan that it belongs to.
        """
        games = self._games
        try:
            games.wanted = self._next("plan")["games"]
            while sum(games.played.values()) < games.wanted:
                self._context.progress("playing the gate's games", sum(games.played.values()), games.wanted)
                event = self._next("decisions", "game", "illegal")
                if event["kind"] == "illegal":
                    games.illegal = event["message"]
                    break
                self._playing = True
                games.decisions = event["decisions"]
                if event["kind"] == "game":
                    plan, played = _match_game(event)
                    won = played.winner is not None and played.scheduled.seating[played.winner - 1] == 0
                    games.count(plan.players[1], won, played.winner is None)
                    keep(plan, played)
        except TrialFault as fault:
            games.fault = str(fault)
        return games

    def _next(self, *kinds: str) -> Any:
        """Return the next event, which is of one of these kinds."""
        left = max(0.0, self._deadline - time.monotonic())
        patience = min(left, self._quiet) if self._playing else left
        line = self._line(patience)
        if line == SILENCE:
            what = "the time of the gate is over" if patience == left else f"no decision for {self._quiet:g} s"
            raise TrialFault(f"stopped: {what}")
        if line is None:
            raise TrialFault(self._last_words())
        event = json.loads(line)
        if event["kind"] == "error":
            raise TrialFault(event["message"])
        assert event["kind"] in kinds, event
        return event

    def _line(self, patience: float) -> str | None:
        """Return the next line of the process, None at its end, `SILENCE` if there is none within `patience` seconds.

        Cancelled meanwhile, the gate says nothing about the model.
        """
        until = time.monotonic() + patience
        while True:
            if self._context.cancelled:
                raise Cancelled("the gate was cancelled, which says nothing about the model")
            try:
                return self._lines.get(timeout=max(0.0, min(LOOK_SECONDS, until - time.monotonic())))
            except queue.Empty:
                if time.monotonic() >= until:
                    return SILENCE

    def _listen(self) -> None:
        """Hand on the lines of the process, and None when it has ended."""
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put(None)

    def _last_words(self) -> str:
        code = self._process.wait()
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "it has written nothing")
        return f"the player's process has ended with {code}: {last[:LONGEST_COMPLAINT]}"


def _match_game(event: Mapping[str, Any]) -> tuple[MatchPlan, PlayedGame]:
    """Return a game of the process and its plan, whose lists JSON has made of tuples."""
    plan = MatchPlan(**event["plan"] | {"players": tuple(event["plan"]["players"])})
    played, scheduled = event["played"], event["played"]["scheduled"]
    return plan, PlayedGame(
        **played
        | {
            "actions": np.array(played["actions"], np.int32),
            "ranks": None if played["ranks"] is None else tuple(played["ranks"]),
            "outcome_values": tuple(played["outcome_values"]),
            "scheduled": ScheduledGame(**scheduled | {"seating": tuple(scheduled["seating"])}),
        }
    )
