"""The gate's own games, played in a process of their own, so that a model that hangs or crashes is stopped.

The process (`trial_run.py`) tells what happens in lines of JSON; this is the end that starts it, listens, and ends it.
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
from ringrift.evaluation import MatchPlan, PlayedGame, ScheduledGame
from ringrift.run_context import Cancelled, RunContext

LONGEST_COMPLAINT: Final = 200
"""Characters of what a crashed process has said last."""

LOOK_SECONDS: Final = 0.5
"""How often a wait looks whether it was cancelled."""
SILENCE: Final = ""


class TrialFault(RingRiftError):
    """The process has not done what it should: it hung, crashed, or took too long."""


@dataclass(frozen=True)
class TrialRequest:
    """What the process is to do."""

    config: str
    id: str
    """The name of the model, under which its games are kept."""
    model: str
    """Path of the `.pth` file."""
    player: str
    """The spec of the player that plays the games; `{model}` stands for the path."""
    factory: str
    """`module:function`, what makes players of specs, as a rule `make_agent`."""
    positions: int
    """How many the time of inference is measured on."""
    games: Mapping[str, int]
    """The least games by opponent: whole openings are played, each in every seat order."""
    seed: int
    seconds: int
    """It ends itself after that time, should nobody be left who could."""


@dataclass(frozen=True)
class Inference:
    """How fast a model answers."""

    milliseconds: tuple[float, ...]
    """The time for each position."""
    finite: bool
    """Whether all answers were numbers."""
    device: str


@dataclass
class TrialGames:
    """How the games have gone so far."""

    wanted: int
    illegal: str | None = None
    """The first illegal move, in words."""
    fault: str | None = None
    """What has kept the games from being played to their end."""
    played: Counter[str] = field(default_factory=Counter)
    """The games played by opponent."""
    won: Counter[str] = field(default_factory=Counter)
    stopped: int = 0
    """Games that reached the limit of moves."""
    decisions: int = 0
    """The decisions of the model."""


class Trial:
    """A running trial; a context that ends the process, whatever it is doing."""

    def __init__(
        self, request: TrialRequest, context: RunContext[object], *, threads: int, deadline: float, quiet: float
    ) -> None:
        """Start it.

        `deadline` is on the monotonic clock. Once games are played, it is stopped after `quiet` seconds without a
        decision. Networks on a CPU get so many threads.
        """
        self._deadline = deadline
        self._quiet = quiet
        self._context = context
        self._games = TrialGames(wanted=0)
        self._playing = False
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `__exit__`; a pipe could fill up
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ringrift.models.trial_run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
            start_new_session=True,  # Ctrl-C is for us: the model is not to blame for a process that it has ended
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
        self._said.close()

    def inference(self) -> Inference:
        """How fast the model answers; the first part of the trial. `TrialFault` if it does not."""
        self._context.progress("waiting for the model's first answers", 0, 1)
        event = self._next("inference")
        return Inference(tuple(event["milliseconds"]), event["finite"], event["device"])

    def games(self, keep: Callable[[MatchPlan, PlayedGame], None]) -> TrialGames:
        """How the games have gone, to their end or until something went wrong; the second part of the trial.

        `keep` is handed every game as it ends, with the plan that it belongs to.
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
                    opponent = plan.players[1]
                    won = played.winner is not None and played.scheduled.seating[played.winner - 1] == 0
                    games.played[opponent] += 1
                    games.won[opponent] += won
                    games.stopped += played.winner is None
                    keep(plan, played)
        except TrialFault as fault:
            games.fault = str(fault)
        return games

    def _next(self, *kinds: str) -> Any:
        """The next event, which is of one of these kinds."""
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
        """Return the next line of the process, None at its end, `SILENCE` if there is none in so many seconds.

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
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(said) if line.strip()), "it said nothing")
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
