"""Comparison of rules of promotion by the champion that they leave: a simulation of many candidates in a row.

A training loop makes one candidate after the other, and a gate lets some of them become champion. A strict gate seldom
errs, but it loses good candidates, and games that self-play could have had; a loose one does the reverse. What counts
is how strong the champion is when a budget of games has been spent, and that depends on how the strength of candidates
moves. So the candidates are simulated, and every rule runs the same loop many times over.

- *Strength* is a walk through gains, plateaus and losses that persist; every network is also a little better or worse
  than its place on the walk. The numbers are those of `docs/results/README.md`: 21 steps from model to model with a
  mean of +21 Elo and standard deviations of 27 (two players) and 38 (three), of which measuring explains a part.
- *Games*: every seat draws the strength of its player plus Gumbel noise (Plackett and Luce; with two players Bradley
  and Terry). A block is one opening in all seatings, with the candidate alone among copies of the champion.
- *Rules* judge all simulated loops at once: who is promoted, and how many games that took.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from ringrift.evaluation.elo import ELO
from ringrift.evaluation.schedule import seatings
from ringrift.evaluation.sprt import expected_score
from ringrift.files import new_file
from ringrift.statistics import CONFIDENCE, effective_games, wilson_bounds

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]

UNSEEN_SPREAD: Final = 0.25
"""Squared distance of a block that is won or lost from an even score."""
JUST_ABOVE: Final = 0.5001
"""The limit of rules that ask for more than half of the points."""


@dataclass(frozen=True)
class Loop:
    """A training loop whose candidates are judged; strengths in Elo."""

    players: int = 2
    candidates: int = 50
    selfplay_games: int = 800
    """The games of one iteration: preset `laptop`."""
    states: tuple[float, float, float] = (0.6, 0.3, 0.1)
    """Share of gains, plateaus and losses."""
    steps: tuple[float, float, float] = (40.0, 0.0, -30.0)
    """Mean step of each; together +21, as measured."""
    persistence: float = 0.7
    """The probability that the next step is of the same state; else it is drawn anew."""
    step_spread: float = 15.0
    own_spread: float = 20.0
    """Standard deviation of a network from its place on the walk, which the next one does not inherit."""
    slip: tuple[float, float] = (0.05, 75.0)
    """The probability that a network is weaker than that, and by how much: the last one of square8_3p was."""
    opening_spread: float = 0.0
    """Standard deviation of how well an opening suits the candidate, in whatever seat: then its games go one way."""
    headroom: float | None = None
    """The lead at which gains over the champion whose games candidates learn from are 0; they shrink in a line towards
    it. None: candidates do not depend on the champion."""

    @property
    def games_of_block(self) -> int:
        """Return how many games one opening is played in."""
        return len(seatings(2, self.players, alone=True))

    def block_scores(self, difference: Floats, blocks: int, rng: np.random.Generator) -> Floats:
        """Return block scores `[loops, blocks]` of candidates `difference` Elo `[loops]` above the champion."""
        shape = (len(difference), blocks, self.games_of_block)
        suits = rng.normal(0.0, self.opening_spread, shape[:2])
        own = (difference[:, None] + suits)[..., None] / ELO + rng.gumbel(size=shape)
        others = rng.gumbel(size=(*shape, self.players - 1))
        scores: Floats = (own[..., None] > others).mean(axis=(2, 3))
        return scores


class Rule(Protocol):
    """A rule of promotion."""

    @property
    def name(self) -> str:
        """Return the name for the table."""

    def judge(self, loop: Loop, difference: Floats, refused: Counts, rng: np.random.Generator) -> tuple[Flags, Counts]:
        """Return who is promoted, and how many games were played, `[loops]` each.

        `difference` is the true one to the champion, `refused` how many candidates were refused since its promotion.
        """


@dataclass(frozen=True)
class NoGate:
    """A rule that promotes every candidate."""

    name: str = "no gate"

    def judge(self, loop: Loop, difference: Floats, refused: Counts, rng: np.random.Generator) -> tuple[Flags, Counts]:
        """Promote all without a game."""
        return np.ones(len(difference), np.bool_), np.zeros(len(difference), np.int64)


@dataclass(frozen=True)
class FixedGames:
    """A rule of a fixed number of games, judged once: the score has to reach a limit, and its lower bound another."""

    name: str
    games: int
    limit: float
    above: float = 0.0
    by_blocks: bool = True
    """Whether blocks are counted, and not games."""
    first_games: int = 10
    cut_off: float = 0.4
    """A candidate that scores less in the first games is not played on with."""
    spending: bool = False
    """Whether the risk is shared out over the candidates since the last promotion: the k-th gets 6 / (π k)² of it, so
    that all together never exceed it."""

    def judge(self, loop: Loop, difference: Floats, refused: Counts, rng: np.random.Generator) -> tuple[Flags, Counts]:
        """Play, and judge."""
        per_block = loop.games_of_block
        first, blocks = -(-self.first_games // per_block), -(-self.games // per_block)
        scores = loop.block_scores(difference, blocks, rng)
        hopeless = scores[:, :first].mean(1) < self.cut_off
        risk = np.full(len(difference), 1 - CONFIDENCE)
        if self.spending:
            risk *= 6 / (np.pi * (refused + 1)) ** 2
        games = blocks * per_block
        counted = effective_games(scores, games) if self.by_blocks else np.full(len(scores), float(games))
        low, _ = wilson_bounds(scores.mean(1), counted, risk)
        passed = ~hopeless & (scores.mean(1) >= self.limit) & (low > self.above)
        return passed, np.where(hopeless, first, blocks) * per_block


@dataclass(frozen=True)
class Sequential:
    """A rule that plays until the sequential test is clear; when the most games have been played, the score decides."""

    name: str
    weaker: float
    """Elo of the hypothesis under which a candidate is refused."""
    stronger: float
    """Elo of the one under which it is promoted."""
    risk: float
    """The probability with which either may be mistaken for the other."""
    games: int
    """The most games that are played."""
    look_games: int = 10
    """The games between two looks at the test."""
    undecided: float = 0.5
    """The score to exceed where the test was never clear; 1: such candidates are refused."""

    def judge(self, loop: Loop, difference: Floats, refused: Counts, rng: np.random.Generator) -> tuple[Flags, Counts]:
        """Play, and look now and then whether the answer is clear."""
        per_block = loop.games_of_block
        most, look = self.games // per_block, -(-self.look_games // per_block)
        bound = log((1 - self.risk) / self.risk)
        scores = loop.block_scores(difference, most, rng)
        passed = scores.mean(1) > self.undecided
        blocks = np.full(len(difference), most)
        open_ = np.arange(len(difference))
        for played in range(look, most, look):
            ratio = log_ratios(scores[open_, :played], self.weaker, self.stronger)
            clear = np.abs(ratio) >= bound
            passed[open_[clear]], blocks[open_[clear]] = ratio[clear] > 0, played
            open_ = open_[~clear]
        return passed, blocks * per_block


RULES: Final = (
    NoGate(),
    FixedGames("60 games: ≥ 55 %, and 95 % interval above 50 %", 60, 0.55, 0.5, by_blocks=False),
    FixedGames("the same, by blocks", 60, 0.55, 0.5),
    FixedGames("the same, error spent over candidates", 60, 0.55, 0.5, spending=True),
    FixedGames("60 games: ≥ 55 %", 60, 0.55),
    FixedGames("20 games: > 50 %", 20, JUST_ABOVE),
    FixedGames("60 games: > 50 %", 60, JUST_ABOVE),
    FixedGames("200 games: > 50 %", 200, JUST_ABOVE),
    Sequential("sequential: 0 or +50 Elo, risk 5 %, ≤ 400 games", 0, 50, 0.05, 400, undecided=1),
    Sequential("sequential: ± 35 Elo, risk 20 %, ≤ 100 games", -35, 35, 0.2, 100),
    Sequential("sequential: ± 35 Elo, risk 10 %, ≤ 200 games", -35, 35, 0.1, 200),
)
LOOPS: Final[Mapping[str, Loop]] = MappingProxyType(
    {
        "candidates learn whatever the champion is": Loop(),
        "candidates learn from the champion's games": Loop(headroom=100.0),
        "the same, and openings suit one of two networks": Loop(headroom=100.0, opening_spread=150.0),
    }
)
"""The loops in which rules are compared, by their special feature."""


@dataclass(frozen=True)
class Outcome:
    """The mean result of a rule over the simulated loops."""

    rule: str
    final: float
    """Elo of the champion after all candidates, above the first one."""
    mean: float
    """Elo of the champion, mean over all candidates."""
    budget: float
    """Elo of the champion when as many games are spent as all candidates cost without a gate: what judging costs is
    taken from self-play."""
    error: float
    """Standard error of `budget`."""
    games: float
    """The games by which one candidate was judged."""
    promoted: float
    """Share of the candidates that became champion."""
    false: float
    """Share of the promotions whose model was not stronger than the champion."""
    false_loss: float
    """Elo that such a promotion lost, in the mean."""
    missed: float
    """Share of the stronger candidates that were refused."""
    equal: float
    """Share of the candidates exactly as strong as the champion that pass."""
    path: tuple[float, ...] = field(repr=False, default=())
    """Elo of the champion after each candidate."""


def simulate(rule: Rule, loop: Loop, *, loops: int, seed: int) -> Outcome:
    """Run a loop `loops` times under a rule; candidates are the same for every rule."""
    walk, luck = (np.random.default_rng([seed, stream]) for stream in (0, 1))
    level, champion = np.zeros(loops), np.zeros(loops)
    refused, spent = np.zeros(loops, np.int64), np.zeros(loops)
    budget = loop.candidates * loop.selfplay_games
    at_budget, path = np.zeros(loops), []
    promotions = false = stronger = missed = games = 0
    lost = 0.0
    for step, own in steps(loop, loops, walk):
        level = level + np.where(step > 0, step * _learning(loop, level - champion), step)
        strength = level + own
        difference = strength - champion
        passed, played = rule.judge(loop, difference, refused, luck)
        worse = passed & (difference <= 0)
        promotions, false = promotions + int(passed.sum()), false + int(worse.sum())
        lost -= float(difference[worse].sum())
        stronger, missed = stronger + int((difference > 0).sum()), missed + int((~passed & (difference > 0)).sum())
        games += int(played.sum())
        champion = np.where(passed, strength, champion)
        refused = np.where(passed, 0, refused + 1)
        spent += loop.selfplay_games + played
        at_budget = np.where(spent <= budget, champion, at_budget)
        path.append(float(champion.mean()))
    tries = loops * loop.candidates
    equals, _ = rule.judge(loop, np.zeros(loops * 5), np.zeros(loops * 5, np.int64), luck)
    return Outcome(
        rule=rule.name,
        final=path[-1],
        mean=float(np.mean(path)),
        budget=float(at_budget.mean()),
        error=float(at_budget.std() / np.sqrt(loops)),
        games=games / tries,
        promoted=promotions / tries,
        false=false / max(promotions, 1),
        false_loss=lost / max(false, 1),
        missed=missed / max(stronger, 1),
        equal=float(equals.mean()),
        path=tuple(path),
    )


def steps(loop: Loop, loops: int, rng: np.random.Generator) -> Iterator[tuple[Floats, Floats]]:
    """Yield for every candidate the step of the walk, and what the network is worth beside it, `[loops]` each."""
    state = rng.choice(3, loops, p=loop.states)
    for _ in range(loop.candidates):
        state = np.where(rng.random(loops) < loop.persistence, state, rng.choice(3, loops, p=loop.states))
        step = np.array(loop.steps)[state] + rng.normal(0.0, loop.step_spread, loops)
        slips = rng.random(loops) < loop.slip[0]
        yield step, rng.normal(0.0, loop.own_spread, loops) - loop.slip[1] * slips


def log_ratios(scores: Floats, weaker: float, stronger: float) -> Floats:
    """Return the log-likelihood ratios `[tests]` of two hypotheses, in Elo, from block scores `[tests, blocks]`.

    The means of blocks are taken as normal. That is what the exact ratio (`evaluation.sprt`) comes to for hypotheses
    that lie near each other (Van den Bergh, 2020), without an equation to solve for each.
    """
    null, alternative = expected_score(weaker), expected_score(stronger)
    blocks = scores.shape[1]
    variance = (scores.var(1) * blocks + UNSEEN_SPREAD) / (blocks + 1)  # never 0, as if one more had been seen
    ratios: Floats = blocks * (alternative - null) * (2 * scores.mean(1) - null - alternative) / (2 * variance)
    return ratios


def plot_outcomes(outcomes: Mapping[str, Sequence[Outcome]], path: Path) -> None:
    """Write a PNG of the champion's strength over the candidates, by loop and rule."""
    from matplotlib.figure import Figure  # late: slow to import

    figure = Figure(figsize=(5.0 * len(outcomes), 5.6), layout="constrained")
    panels = figure.subplots(1, len(outcomes), sharey=True, squeeze=False)[0]
    for axes, (title, rows) in zip(panels, outcomes.items(), strict=True):
        for number, outcome in enumerate(rows):
            style = "-" if number < 10 else "--"
            axes.plot(range(1, len(outcome.path) + 1), outcome.path, style, linewidth=1.4, label=outcome.rule)
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_xlabel("candidates")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("Elo of the champion over the first one")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    with new_file(path) as file:
        figure.savefig(file, format="png", dpi=110)


def _learning(loop: Loop, ahead: Floats) -> Floats:
    """Return which share of a gain is left to candidates that are so far ahead of the champion."""
    if loop.headroom is None:
        return np.ones(len(ahead))
    return np.clip(1 - ahead / loop.headroom, 0.0, 1.0)
