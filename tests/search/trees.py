"""A game that is nothing but a random tree written down in a table, for the trees of the searches and those of mctx."""

from __future__ import annotations

from typing import Any

import numpy as np

from ringrift.game.types import States
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, I32, I64
from ringrift.search.game_adapter import GameAdapter, marker_field, register_game

ACTIONS = 20

FIELD = marker_field("written_tree", __file__)
STATE_TYPE = np.dtype([(FIELD, np.uint8), ("player", np.int32), ("ply", np.int32), ("node", np.int32), ("worth", "f4")])
WORK_TYPE = np.dtype([("actions", np.int32, (ACTIONS,))])
NODE_TYPE = np.dtype(
    [
        ("children", np.int32, (ACTIONS,)),  # −1 where an action is not legal
        ("player", np.int32),
        ("worth", np.float32),  # to seat 1; of inner nodes in the eyes of the evaluator
        ("logits", np.float32, (ACTIONS,)),
    ]
)


@compiled
def legal_actions(state: Any, table: Any, work: Any, out: Any) -> int:
    """The actions that lead somewhere."""
    count = 0
    for action in range(ACTIONS):
        if table[state.node].children[action] >= 0:
            out[count] = action
            count += 1
    return count


@compiled
def step(state: Any, action: int, table: Any, work: Any) -> None:
    """Go to a child."""
    state.node = table[state.node].children[action]
    state.player = table[state.node].player
    state.worth = table[state.node].worth
    state.ply += 1


@compiled
def outcome(state: Any, out: Any) -> None:
    """What one seat wins, the other loses."""
    out[0] = state.worth
    out[1] = -state.worth


@compiled
def ply(state: Any) -> int:
    """Every step is a decision."""
    return int(state.ply)


register_game(FIELD, legal_actions=legal_actions, step=step, outcome=outcome, decision=ply)


def adapter(table: Any) -> GameAdapter:
    """The game on the trees of a table."""
    return GameAdapter(
        name="written tree",
        tables=table,
        state_type=STATE_TYPE,
        max_actions=ACTIONS,
        edges_per_node=ACTIONS,
        workspace=lambda: np.zeros(1, WORK_TYPE)[0],
    )


def positions(table: Any, nodes: Any) -> States:
    """The states that stand at some nodes."""
    states = np.zeros(len(nodes), STATE_TYPE)
    states["node"] = nodes
    states["player"] = table["player"][nodes]
    return states


class TableEvaluator:
    """Answers what is written in the table."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def __call__(self, states: States, offsets: I64, actions: I32) -> tuple[F32, F32]:
        rows = self.table[states["node"]]
        logits = rows["logits"][np.repeat(np.arange(len(states)), np.diff(offsets)), actions]
        return logits, np.stack([rows["worth"], -rows["worth"]], axis=1)


def grow(
    seed: int, trees: int, *, depth: int, children: tuple[int, int] = (2, 5), ends: float = 0.15, forced: float = 0.15
) -> Any:
    """Random trees in one table: the root of each is at its number.

    Nodes have from … to so many `children`; below the roots some end the game or leave a single action, with those
    probabilities. Seat 1 or 2 decides at a node, drawn anew at each. Worths are whole 64ths, so that sums are exact.
    """
    draw = np.random.default_rng(seed)
    rows: list[Any] = [None] * trees
    todo = [(root, 0) for root in range(trees)]
    while todo:
        node, level = todo.pop()
        row = np.zeros((), NODE_TYPE)
        row["children"] = -1
        row["player"] = draw.integers(1, 3)
        row["worth"] = draw.integers(-64, 65) / 64
        row["logits"] = draw.normal(size=ACTIONS)
        count = int(draw.integers(children[0], children[1] + 1))
        if level > 0:
            lot = draw.random()
            count = 0 if lot < ends or level == depth else 1 if lot < ends + forced else count
        for action in draw.permutation(ACTIONS)[:count]:
            row["children"][action] = len(rows)
            todo.append((len(rows), level + 1))
            rows.append(None)
        rows[node] = row
    return np.array(rows, NODE_TYPE)
