"""Which rule of promotion leaves the champion strongest: a simulation of many candidates in a row.

A training loop makes one candidate after the other; a gate lets some of them become champion. A strict gate errs seldom
but loses good candidates and spends games that self-play could have had; a loose one does the reverse. What counts is
how strong the champion is when a budget of games is spent, and that depends on how the true strength of candidates
moves. So candidates are simulated, with the same test on the same kind of games as the gauntlet's, and every rule is
asked to run the same loop many times over.

- *Strength*: a walk with three states (gains, plateaus, losses) that persist, plus what one network is better or worse
  than its neighbours. The numbers are those of `docs/results/README.md`: 21 steps from model to model with a mean of
  +21 Elo and standard deviations of 27 and 38, of which measuring explains a part.
- *Games*: every seat draws the strength of its player plus Gumbel noise (Plackett and Luce; with two players Bradley and
  Terry). Blocks are one opening in all seatings, the candidate alone among copies of the champion; an opening may suit
  one of the networks, and then all games of its block go one way.
- *Rules*: vectorised over the simulated loops; each says who is promoted and how many games that took.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import log
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from ringrift.evaluation.elo import ELO
from ringrift.evaluation.schedule import seatings
from ringrift.evaluation.sprt import SprtSettings, expected_score
from ringrift.statistics import effective_games, wilson_bounds

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]

UNSEEN_SPREAD: Final = 0.25
"""Squared distance of a block that is won or lost from an even score."""


@dataclass(frozen=True)
class Loop:
    """The world in which rules are compared; strengths in Elo."""

    players: int = 2
    candidates: int = 50
    selfplay_games: int = 800
    """Of one iteration: preset `laptop`."""
    states: tuple[float, float, float] = (0.6, 0.3, 0.1)
    """Share of gains, plateaus and losses."""
    steps: tuple[float, float, float] = (40.0, 0.0, -30.0)
    """Mean step of each: together +21, as measured."""
    persistence: float = 0.7
    """How often the next step is of the same state; else it is drawn anew."""
    step_spread: float = 15.0
    own_spread: float = 20.0
    """What a network is better or worse than its neighbours; the next one does not inherit it."""
    slip: tuple[float, float] = (0.05, 75.0)
    """How often a network is weaker than that, and by how much: as the last one of square8_3p."""
    opening_spread: float = 0.0
    """By how much an opening suits one of the two networks, in whatever seat."""
    headroom: float | None = None
    """How far candidates can get ahead of the champion whose games they learn from; None: as far as they like."""

    def __post_init__(self) -> None:
        assert abs(sum(self.states) - 1) < 1e-9

    @property
    def games_of_block(self) -> int:
        """Games of one opening."""
        return len(seatings(2, self.players, alone=True))

    def block_scores(self, difference: Floats, blocks: int, rng: np.random.Generator) -> Floats:
        """Scores of candidates that are so much stronger than the champion `[loops]`: `[loops, blocks]`."""
        shape = (len(difference), blocks, self.games_of_block)
        suits = rng.normal(0.0, self.opening_spread, shape[:2]) if self.opening_spread else np.zeros(shape[:2])
        own = (difference[:, None] + suits)[..., None] / ELO + rng.gumbel(size=shape)
        others = rng.gumbel(size=(*shape, self.players - 1))
        scores: Floats = (own[..., None] > others).mean(axis=(2, 3))
        return scores


class Rule(Protocol):
    """A rule of promotion."""

    @property
    def name(self) -> str:
        """What stands in the table."""

    def judge(self, loop: Loop, difference: Floats, refused: Counts, rng: np.random.Generator) -> tuple[Flags, Counts]:
        """Who is promoted, and games that were played, `[loops]` each.

        `difference` is the true one to the champion, and `refused` how many were refused since it was made.
        """


@dataclass(frozen=True)
class NoGate:
    """Everybody is promoted."""

    name: str = "no gate"

    def judge(self, loop: Loop, difference: Floats, refused: Counts, rng: np.random.Generator) -> tuple[Flags, Counts]:
        """Promote all without a game."""
        return np.ones(len(difference), np.bool_), np.zeros(len(difference), np.int64)


@dataclass(frozen=True)
class FixedGames:
    """So many games, judged once: the score has to reach a limit, and its lower bound another."""

    name: str
    games: int
    limit: float
    above: float = 0.0
    confidence: float = 0.95
    by_blocks: bool = True
    """Blocks are what is counted, not games."""
    first_games: int = 10
    cut_off: float = 0.4
    """Who scores less in the first games is not played on with."""
    spending: bool = False
    """The risk of the bound is shared out over the candidates since the last promotion: the k-th gets 6 / (π k)² of
    it, so that all together never exceed it."""

    def judge(self, loop: Loop, difference: Floats, refused: Counts, rng: np.random.Generator) -> tuple[Flags, Counts]:
        """Play, and judge."""
        per_block = loop.games_of_block
        first, blocks = -(-self.first_games // per_block), -(-self.games // per_block)
        scores = loop.block_scores(difference, blocks, rng)
        hopeless = scores[:, :first].mean(1) < self.cut_off
        risk = np.full(len(difference), 1 - self.confidence)
        if self.spending:
            risk *= 6 / (np.pi * (refused + 1)) ** 2
        games = blocks * per_block
        counted = effective_games(scores, games) if self.by_blocks else np.full(len(scores), float(games))
        low, _ = wilson_bounds(scores.mean(1), counted, risk)
        passed = ~hopeless & (scores.mean(1) >= self.limit) & (low > self.above)
        return passed, np.where(hopeless, first, blocks) * per_block


@dataclass(frozen=True)
class Sequential:
    """Blocks until the ratio of two hypotheses is clear; when the most have been played, the score decides."""

    name: str
    settings: SprtSettings
    limit: float = 0.5
    """What is to be scored where it never became clear; above 1: it is refused then."""

    def judge(self, loop: Loop, difference: Floats, refused: Counts, rng: np.random.Generator) -> tuple[Flags, Counts]:
        """Look after every `least` blocks, until the answer is there."""
        settings = self.settings
        lower, upper = log(settings.beta / (1 - settings.alpha)), log((1 - settings.beta) / settings.alpha)
        scores = loop.block_scores(difference, settings.most, rng)
        undecided = np.ones(len(difference), np.bool_)
        passed = np.zeros(len(difference), np.bool_)
        blocks = np.full(len(difference), settings.most, np.int64)
        for played in range(settings.least, settings.most + 1, settings.least):
            rows = np.flatnonzero(undecided)
            if not len(rows):
                break
            ratio = log_ratios(scores[rows, :played], settings)
            clear = (ratio >= upper) | (ratio <= lower)
            done = rows[clear]
            passed[done], blocks[done], undecided[done] = ratio[clear] >= upper, played, False
        passed[undecided] = scores[undecided].mean(1) > self.limit
        return passed, blocks * loop.games_of_block


@dataclass(frozen=True)
class Outcome:
    """What a rule has made of the loops; means over them."""

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
    """That one candidate was judged by."""
    promoted: float
    """Share of the candidates."""
    false: float
    """Share of the promotions whose model was not stronger than the champion."""
    false_loss: float
    """Elo that such a promotion lost."""
    missed: float
    """Share of the stronger candidates that were refused."""
    equal: float
    """How often a candidate passes that is exactly as strong as the champion."""
    path: tuple[float, ...] = field(repr=False, default=())
    """Elo of the champion after each candidate."""


def simulate(rule: Rule, loop: Loop, *, loops: int, seed: int) -> Outcome:
    """Run the loop so many times under a rule; the candidates' luck is the same for every rule."""
    walk, luck = (np.random.default_rng([seed, stream]) for stream in (0, 1))
    level, champion = np.zeros(loops), np.zeros(loops)
    refused, spent = np.zeros(loops, np.int64), np.zeros(loops)
    budget = loop.candidates * loop.selfplay_games
    at_budget, path = np.zeros(loops), []
    promotions = false = better = missed = games = 0
    lost = 0.0
    for step, own in steps(loop, loops, walk):
        level = level + np.where(step > 0, step * _learning(loop, level - champion), step)
        strength = level + own
        difference = strength - champion
        passed, played = rule.judge(loop, difference, refused, luck)
        worse = passed & (difference <= 0)
        promotions, false = promotions + int(passed.sum()), false + int(worse.sum())
        lost -= float(difference[worse].sum())
        better, missed = better + int((difference > 0).sum()), missed + int((~passed & (difference > 0)).sum())
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
        missed=missed / max(better, 1),
        equal=float(equals.mean()),
        path=tuple(path),
    )


def steps(loop: Loop, loops: int, rng: np.random.Generator) -> Iterator[tuple[Floats, Floats]]:
    """By candidate: the step of the walk, and what the network is worth beside it, `[loops]` each."""
    state = rng.choice(3, loops, p=loop.states)
    for _ in range(loop.candidates):
        state = np.where(rng.random(loops) < loop.persistence, state, rng.choice(3, loops, p=loop.states))
        step = np.array(loop.steps)[state] + rng.normal(0.0, loop.step_spread, loops)
        slips = rng.random(loops) < loop.slip[0]
        yield step, rng.normal(0.0, loop.own_spread, loops) - loop.slip[1] * slips


def log_ratios(scores: Floats, settings: SprtSettings) -> Floats:
    """Return the log-likelihood ratios `[tests]` of block scores `[tests, blocks]`, as the mean of normal scores.

    That is how `evaluation.sprt` comes out for hypotheses that lie near each other (Van den Bergh, 2020), without
    solving an equation for each.
    """
    null, alternative = expected_score(settings.weaker), expected_score(settings.stronger)
    blocks = scores.shape[1]
    # As if half a block more had been won, and half a block lost: the spread is never 0.
    variance = (scores.var(1) * blocks + UNSEEN_SPREAD) / (blocks + 1)
    ratios: Floats = blocks * (alternative - null) * (2 * scores.mean(1) - null - alternative) / (2 * variance)
    return ratios


def _learning(loop: Loop, ahead: Floats) -> Floats:
    """The share of a step that is left to whoever is so far ahead of the champion that its games come from."""
    if loop.headroom is None:
        return np.ones(len(ahead))
    return np.clip(1 - ahead / loop.headroom, 0.0, 1.0)
