"""The gate of integer networks: a network is promoted if it beats the one in use, in the same search at equal time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ringrift.errors import RingRiftError
from ringrift.evaluation.equal_time import calibrated
from ringrift.evaluation.matches import PLIES_OF_A_TURN, MatchPlan, PlayedGame, make_players, play_match
from ringrift.evaluation.report import MatchReport, report_match
from ringrift.evaluation.schedule import seatings
from ringrift.game import parse_config
from ringrift.limits import move_limit
from ringrift.models.nnue_store import NnueStore, RegisteredNnue
from ringrift.moments import utc
from ringrift.nnue import BadNnue, find_network, promoted_network, read_network
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
    """The path that the network was promoted to; None if it was not promoted."""
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
        """Yield the verdict in words."""
        verdict = "passed" if self.passed else "not passed: the network is not shown to be stronger"
        yield f"gate of network {self.network} for {self.config}: {verdict}"
        if self.promoted:
            yield f"promoted: {self.promoted}, which minimax:nnue and its kin play with from now on"


def verdict_lines(network: RegisteredNnue) -> Iterator[str]:
    """Return the result of a network's match for its promotion, in words."""
    if network.judged is None or network.verdict is None:
        yield "gate: it has not played for its promotion"
        return
    outcome = "passed" if network.verdict["passed"] else "not passed"
    own, other = network.verdict["match"]["players"]
    yield (
        f"gate: {utc(network.judged)} {outcome}: won {own['share']:.1%} ({own['low']:.1%} – {own['high']:.1%}) of"
        f" {own['games']} games at equal time against {other['spec']}"
    )


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


def gate_network(path: Path, config: str, store: NnueStore, context: RunContext[None], *, games: int) -> NnueGateReport:
    """Let a network play for its promotion, at equal time in the same search; one that passes is promoted.

    It is registered, and the verdict is kept. `BadNnue` if it is damaged or for another config, `LostRace` if another
    network was promoted meanwhile; `Cancelled` leaves everything as it was.
    """
    read_network(path, config)
    network = store.register(path)
    known = store.settle(config)
    opponent = opponent_of(config, network.id, store.folder)
    report = _played(f"{opponent.partition(':')[0]}:{store.path(network)}", opponent, config, context, games)
    passed = report.comparisons[0].p_stronger < SURE
    verdict = NnueGateReport(config, network.id, passed, None, report)
    if passed:
        verdict = replace(verdict, promoted=str(promoted_network(store.folder, config)))
    store.judge(network, verdict.to_json(), expected=known.id if known else None, passed=passed)
    return verdict


def _played(candidate: str, opponent: str, config: str, context: RunContext[None], games: int) -> MatchReport:
    """Let two searches play a match at equal time."""
    seats = parse_config(config)[1]
    plan = MatchPlan(
        config=config,
        players=calibrated(config, (candidate, opponent), NODES),
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
    return report_match(plan, played, agents)
