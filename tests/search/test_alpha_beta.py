"""Minimax: it is exact, whatever is switched on to make it fast, and it keeps to its limits."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import numpy as np
import pytest

from ringrift.game import BOARDS, get_board, new_states
from ringrift.heuristic import load_weights
from ringrift.search import MinimaxSearch, SearchLimits, SearchOutput
from ringrift.search.search_stack import WIDTHS
from tests.search.parts import positions
from tests.search.reference import Rules, endgames, middlegames, paranoid, root_scores

SWITCHES = ("use_tt", "use_history", "use_pvs")


def search(board: str, limits: SearchLimits, off: tuple[str, ...] = (), **options: Any) -> MinimaxSearch:
    made = MinimaxSearch(get_board(board), 2, load_weights(f"{board}_2p"), limits, **options)
    for thread in made.thread_data:
        for switch in off:
            thread.stack[switch] = False
    return made


def same(one: SearchOutput, other: SearchOutput) -> bool:
    return (
        one.chosen_actions == other.chosen_actions
    ).all() and one.root_values.tobytes() == other.root_values.tobytes()


@pytest.mark.parametrize("board", BOARDS)
def test_late_endgames_are_played_as_by_brute_force(board: str) -> None:
    states = endgames(f"{board}_2p")
    output = search(board, SearchLimits(60)).run(states)
    rules = Rules(get_board(board), 2, load_weights(f"{board}_2p"))
    for row, state in enumerate(states):
        scores = root_scores(rules, state, 60, paranoid)
        assert scores[int(output.chosen_actions[row])] == max(scores.values())
        seat = int(state["player"]) - 1
        assert output.root_values[row, seat] == np.sign(max(scores.values()))
        assert output.root_values[row, 1 - seat] == -output.root_values[row, seat]


@cache
def expected(board: str, moves: int, depth: int) -> list[dict[int, int]]:
    rules = Rules(get_board(board), 2, load_weights(f"{board}_2p"))
    return [root_scores(rules, state, depth, paranoid) for state in middlegames(f"{board}_2p", moves=moves)]


@pytest.mark.parametrize(("board", "moves", "depth"), [("square8", 90, 3), ("hex8", 80, 3), ("square19", 560, 2)])
@pytest.mark.parametrize("off", [(), *((switch,) for switch in SWITCHES), SWITCHES])
def test_scores_are_those_of_a_search_without_pruning(board: str, moves: int, depth: int, off: tuple[str, ...]) -> None:
    compiled = search(board, SearchLimits(depth), off, threads=1)
    states = middlegames(f"{board}_2p", moves=moves)
    for row, scores in enumerate(expected(board, moves, depth)):
        output = compiled.run(states[row : row + 1])
        assert compiled.thread_data[0].stack["best"][0] == max(scores.values())
        assert scores[int(output.chosen_actions[0])] == max(scores.values())


def test_a_deep_search_comes_to_the_same_without_what_makes_it_fast() -> None:
    states = positions("square8", 2, 10, 70)
    output = search("square8", SearchLimits(4)).run(states)
    for off in ("use_tt", "use_history", "use_pvs"):
        assert (
            search("square8", SearchLimits(4), (off,)).run(states).root_values.tobytes() == output.root_values.tobytes()
        )


@pytest.mark.parametrize(("board", "nodes"), [("square8", 4000), ("hexagonal", 2000)])
def test_with_a_limit_of_nodes_the_position_alone_decides(board: str, nodes: int) -> None:
    states = positions(board, 2, 20, 50)
    limits = SearchLimits(60, nodes=nodes)
    together = search(board, limits, threads=1).run(states)
    assert same(search(board, limits, threads=3).run(states), together)
    reversed_order = search(board, limits, threads=2)
    reversed_order.run(states)
    again = reversed_order.run(states[::-1])  # in memory that has been used
    assert (again.chosen_actions[::-1] == together.chosen_actions).all()
    assert again.root_values[::-1].tobytes() == together.root_values.tobytes()


def test_a_search_in_slices_is_the_same_search() -> None:
    """A limit of time lets the search stop and go on; one that is never met changes nothing."""
    states = positions("hex8", 2, 6, 30)
    assert same(search("hex8", SearchLimits(3, seconds=3600)).run(states), search("hex8", SearchLimits(3)).run(states))


def test_limits_end_a_search_but_never_before_depth_1_is_done() -> None:
    board = get_board("square8")
    start = new_states(board, 2)
    limited = search("square8", SearchLimits(60, nodes=5000), threads=1)
    limited.run(start)
    assert 5000 <= limited.thread_data[0].stack["nodes"] < 5000 + board.max_actions
    for hasty in (SearchLimits(60, nodes=1), SearchLimits(60, seconds=0)):
        output = search("square8", hasty, threads=1).run(start)
        assert same(output, search("square8", SearchLimits(1), threads=1).run(start))
    timed = search("square8", SearchLimits(60, seconds=0.05), threads=1)
    begin = time.thread_time()
    timed.run(start)
    assert time.thread_time() - begin < 5, "it would take hours to depth 60"


def test_a_decided_position_is_not_searched_deeper() -> None:
    states = endgames("square8_2p")
    to_the_end = search("square8", SearchLimits(60), threads=1)
    to_the_end.run(states[:1])
    nodes = int(to_the_end.thread_data[0].stack["nodes"])
    shallow = search("square8", SearchLimits(30), threads=1)
    shallow.run(states[:1])
    assert shallow.thread_data[0].stack["nodes"] == nodes


def test_a_forced_action_takes_no_search() -> None:
    rules = Rules(get_board("square8"), 2, load_weights("square8_2p"))
    forced = [state for state in positions("square8", 2, 40, 35) if len(rules.legal(state)) == 1]
    quick = search("square8", SearchLimits(60), threads=1)
    for state in forced[:3]:
        output = quick.run(np.array([state]))
        assert output.chosen_actions.tolist() == rules.legal(state)
        assert output.policy_probs.tolist() == [1]
        assert quick.thread_data[0].stack["nodes"] < 1000


def test_a_wide_node_is_held_to_the_best_of_its_actions() -> None:
    """From the empty hexagonal board, with 1,400 placements, depth 2 looks at the moves after 64 of them."""
    wide = search("hexagonal", SearchLimits(2), threads=1)
    wide.run(new_states(get_board("hexagonal"), 2))
    stack = wide.thread_data[0].stack
    assert stack["legal"] > 1000
    assert stack["searched"] == WIDTHS["hexagonal"] == 64
    narrow = search("square8", SearchLimits(2), threads=1)
    narrow.run(new_states(get_board("square8"), 2))
    assert narrow.thread_data[0].stack["searched"] == narrow.thread_data[0].stack["legal"] == 192


def test_the_policy_is_the_choice_alone_or_a_softmax_of_exact_scores() -> None:
    states = positions("square8", 2, 8, 60)
    hard = search("square8", SearchLimits(3)).run(states)
    soft = search("square8", SearchLimits(3), temperature=0.05).run(states)
    assert (hard.root_values == soft.root_values).all()
    rules = Rules(get_board("square8"), 2, load_weights("square8_2p"))
    for row, state in enumerate(states):
        mine = slice(hard.policy_offsets[row], hard.policy_offsets[row + 1])
        assert hard.policy_probs[mine].tolist() == (hard.policy_actions[mine] == hard.chosen_actions[row]).tolist()
        assert soft.policy_probs[mine].sum() == pytest.approx(1, abs=1e-5)
        assert (
            soft.policy_probs[mine][soft.policy_actions[mine] == soft.chosen_actions[row]]
            == soft.policy_probs[mine].max()
        )
        if len(hard.policy_actions[mine]) == 1:
            continue
        # An action's score is what the position after it is worth: compare with the one that is next best.
        order = np.argsort(-soft.policy_probs[mine])
        best, second = soft.policy_actions[mine][order[:2]]
        gap = 0.05 * np.log(soft.policy_probs[mine][order[0]] / max(soft.policy_probs[mine][order[1]], 1e-30))
        if gap < 0.2:
            values = [value_after(rules, state, int(action), 2) for action in (best, second)]
            assert gap == pytest.approx(values[0] - values[1], abs=1e-3)


def value_after(rules: Rules, state: Any, action: int, depth: int) -> float:
    child = rules.child(state, action, across=True)
    if len(rules.legal(child)) < 2:
        return float(rules.evaluate(child)[state["player"] - 1])
    output = search("square8", SearchLimits(depth), threads=1).run(np.array([child]))
    return float(output.root_values[0, state["player"] - 1])
