"""`docs/heuristic.md`, written from the layout: `python -m ringrift.heuristic > docs/heuristic.md`."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp

from ringrift.game.boards import BOARDS, PLAYER_COUNTS
from ringrift.heuristic.evaluation import WON
from ringrift.heuristic.layout import FEATURES
from ringrift.one_ply import SHARPNESS

INTRODUCTION = """\
# What a position is worth without a network

*This page is written by `python -m ringrift.heuristic`; `ringrift/heuristic/layout.py` is the source.*

The heuristic judges a position by counting: every player gets the same {features} numbers, the *features*, each of that
player's own affairs, and every feature has a weight. Nothing is played for that: the player `heuristic` looks one
action ahead, the searches further.

## From features to values

1. A player's *sum* is the features times their weights, added up.
2. A player's *score* is the own sum minus the mean of the others'. With two players that is own minus other; with three
   the mean is that of two, with four that of three. So the scores of a position add up to 0, and what all players have
   alike does not count.
3. A player's *value* is tanh(score / 2), from −1 to 1. With two players that reads the score as log-odds: who has a
   score of 1 expects to win {odds:.0%} of the games. The values of two players are opposite; those of three and four
   need not add up to 0.

A finished game has its exact outcome by rank instead, 1 for the first … −1 for the last, and a score of {won:g} times
that. No feature depends on a direction of the board, or on which number a seat has; only `hanging`, `claim_cells`,
`claim_rings`, `to_act` and `owes` depend on whose turn it is.

The player `heuristic` plays every legal action, and what is forced after it, and takes the one with the highest score
for itself. As a policy, for `puct:heuristic` and the like, the softmax of those scores times {sharpness:g} is used.

## Features

Each is divided by what the rules ask for, its unit, so that one weight means about the same on every board.
"""

COUNTING = """
- **Captures** are those that stacks could make as they stand, were their players to move: with a landing behind the
  target, a cap that is high enough, and whether or not the turn allows it. A stack to capture counts once, however many
  landings there are.
- **Rows** begin with a marker and go straight on for as many cells as a line has, but not beyond a collapsed cell or
  the edge. Gaps and foreign pieces may lie in between. A row is seen from both ends and counts half from each.
- **Links** are counted from each of the two markers, but once at a collapsed cell or the edge.
- **Claims** count in territory processing alone, when the player to act may choose a region now. The best one has the
  most cells and rings, each divided by its goal.

What the rules ask for, for 2 / 3 / 4 players where it depends on them:
"""

WEIGHTS = """
## Weights

They stand in `ringrift/defaults/heuristic/<config>.yaml`, a file per config, with the meaning of each beside it; a file
of that name in `include/config/heuristic/` says what differs. A weight of 0 leaves a feature out. A name that is
unknown and a weight that is no number are refused, with the file and the name.

    ringrift play square8_2p --against heuristic             # play against them
    ringrift match square8_2p heuristic random               # how strong they are
    ringrift analyse RECORD --agent heuristic --features     # how they judge the positions of a recorded game

The last one also shows, for every position with a choice, each feature times its weight for each player,
those that differ most between players first, and their sums; `--plies 40-50` picks moves. From Python:

```python
import numpy as np

from ringrift.game import Game
from ringrift.heuristic import evaluate, load_weights, new_scratch

game = Game("square8", players=3)
values = np.zeros(4, np.float32)
evaluate(game.array, game.board.tables, load_weights(game.config), new_scratch(game.board), values)
```

`ringrift bench agents` measures how fast it is.

### Other weights, and the frozen ones

A player's spec can name a file of weights. `v1` are the weights that were set by hand, the same for all configs. They
are frozen (`ringrift/defaults/heuristic/frozen/v1.yaml`): anchors of the Elo scale, the gate's opponent and the levels
of the ladder play with them, so that results of before and after better weights can be compared. In stored evaluations
a player with other weights, those in use too, is named by their id, such as `heuristic:w6f0c5b1d2a3e4f50`: Elo of
before and after `ringrift tune accept` is that of two players.

    ringrift match square8_2p heuristic:mine.yaml heuristic
    ringrift match square8_2p 'minimax?nodes=4000&weights=mine.yaml' 'minimax?nodes=4000&weights=v1'

### Tuning

    ringrift tune heuristic square8_3p --method comparison    # from a search: minutes, and needs no stored games
    ringrift tune heuristic square8_2p --plot tuning.png      # CMA-ES by games one action ahead; goes on after a kill
    ringrift tune heuristic square8_2p --evaluator both --nodes 300
    ringrift tune heuristic square8_2p --method logistic      # a regression on stored games: which features matter?
    ringrift tune accept square8_3p data/tuning/heuristic/square8_3p/RUN/weights.yaml

Comparison training plays games of minimax or maxn with itself. From these, weights learn to choose as the search does
and to value positions as it does; from rollouts of noisy positions they learn who wins. Several mixes of the three
are fitted in seconds, and games in both uses find the best of them. The tuned weights that come with RingRift are from
there.

In CMA-ES every candidate plays the same openings, each from every seat, against a panel of the frozen weights, those in
use, those to start from and the last best ones; with three and four players alone against copies. A run is a plan and a
log of questions and answers, and everything else follows from them: after a kill it goes on with the same generation,
and other hosts answer for it (`ringrift tune ask`, `answer`, `tell`; the DAG `ringrift__tune` does the same on hosts of
role `hp_tuning`). Nothing is used before `ringrift tune accept`: sequential tests against the weights in use, one
action ahead *and* in minimax or maxn at 4,000 nodes. What passes both goes into `heuristic/<config>.yaml` of the
settings, with its evidence as a comment. Settings are in `ringrift/defaults/tuning.yaml`; results in
[results/heuristic-weights.md](results/heuristic-weights.md).
"""


def document() -> str:
    """Return the whole page as Markdown."""
    odds = 1 / (1 + exp(-1))
    rows = [
        f"| {index} | `{feature.name}` | {feature.meaning} | {feature.unit} |" for index, feature in enumerate(FEATURES)
    ]
    return "\n".join(
        [
            INTRODUCTION.format(features=len(FEATURES), odds=odds, won=WON, sharpness=SHARPNESS),
            "| index | name | what | divided by |\n| --- | --- | --- | --- |",
            *rows,
            COUNTING,
            f"| | {' | '.join(BOARDS)} |\n| --- |{' --- |' * len(BOARDS)}",
            *_goals(),
            WEIGHTS,
        ]
    ).removesuffix("\n")


def _goals() -> Iterator[str]:
    """Return the table of the rules' numbers, a row for each."""
    boards = BOARDS.values()
    for name, cells in {
        "rings per player": [f"{board.rings}" for board in boards],
        "cells": [f"{board.cells}" for board in boards],
        "elimination goal": [" / ".join(str(board.elimination_goal(n)) for n in PLAYER_COUNTS) for board in boards],
        "territory goal": [" / ".join(str(board.territory_goal(n)) for n in PLAYER_COUNTS) for board in boards],
        "length of a line": [" / ".join(str(board.line_length(n)) for n in PLAYER_COUNTS) for board in boards],
    }.items():
        yield f"| {name} | {' | '.join(cells)} |"
