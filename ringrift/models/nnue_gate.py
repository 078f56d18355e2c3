"""The gate of integer networks: better than what stands there in the same search, at equal time, or not promoted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ringrift.errors import RingRiftError
from ringrift.evaluation.equal_time import calibrated
from ringrift.evaluation.matches import PLIES_OF_A_TURN, MatchPlan, PlayedGame, make_players, play_match
from ringrift.evaluation.report import MatchReport, report_match
from ringrift.evaluation.schedule import seatings
from ringrift.files import new_file
from ringrift.game import parse_config
from ringrift.limits import move_limit
from ringrift.nnue import find_network, promoted_network, read_network
from ringrift.nnue.file import BadNnue
from ringrift.run_context import Cancelled, RunContext

NODES: Final = 1000
"""Nodes of the opponent's searches: a millisecond on the small boards."""
SURE: Final = 0.05
"""The largest p-value of the one-sided sign test over pairs of games with which a network passes."""


@dataclass(frozen=True)
class NnueGateReport:
    """A match at equal time, and what follows from it."""

    config: str
    network: str
    """The id of the candidate."""
    passed: bool
    promoted: str | None
    """Where the network has been put; None if it has not."""
    match: MatchReport

    def to_json(self) -> dict[str, Any]:
        """Return the report in JSON's types."""
        return {
            "config": self.config,
            "network": self.network,
            "passed": self.passed,
            "promoted": self.promoted,
            "match": self.match.to_json(),
        }

    def lines(self) -> Iterator[str]:
        """Return the verdict in words."""
        verdict = "passed" if self.passed else "not passed: the network is not shown to be stronger"
        yield f"gate of network {self.network} for {self.config}: {verdict}"
        if self.promoted:
            yield f"promoted: {self.promoted}, which minimax:nnue and its kin play with from now on"


def opponent_of(config: str, network: str, models: Path) -> str:
    """Return the search that a network is to beat: with the network in use, or with the heuristic."""
    mode = "minimax" if parse_config(config)[1] == 2 else "maxn"
    try:
        known = find_network(config, models)
    except BadNnue:
        return mode
    if read_network(known, config).id == network:
        raise RingRiftError(f"{known}: is this very network: there is nothing to promote")
    return f"{mode}:{known}"


def gate_network(path: Path, config: str, models: Path, context: RunContext[None], *, games: int) -> NnueGateReport:
    """Let a network play for its promotion, at equal time in the same search; one that passes is promoted.

    `BadNnue` if it is damaged or for another config; `Cancelled` leaves everything as it was.
    """
    stored = read_network(path, config)
    seats = parse_config(config)[1]
    opponent = opponent_of(config, stored.id, models)
    candidate = f"{opponent.partition(':')[0]}:{path}"
    players = calibrated(config, (candidate, opponent), NODES)
    plan = MatchPlan(
        config=config,
        players=players,
        openings=-(-games // len(seatings(2, seats))),
        opening_plies=PLIES_OF_A_TURN * seats,
        max_moves=move_limit(config),
    )
    agents = make_players(plan)
    played: list[PlayedGame] = []
    for game in play_match(agents, plan, cancellation=context.cancellation):
        played.append(game)
        context.progress("games at equal time", len(played), plan.games)
    if context.cancelled:
        raise Cancelled(f"stopped after {len(played)} of {plan.games} games; nothing was promoted")
    report = report_match(plan, played, agents)
    passed = report.comparisons[0].p_stronger < SURE
    target = promoted_network(models, config)
    if passed:
        with new_file(target) as file:
            file.write(path.read_bytes())
    return NnueGateReport(config, stored.id, passed, str(target) if passed else None, report)
