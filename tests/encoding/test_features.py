"""What the planes and globals say: on a board drawn by hand, and against the rules in random positions."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from ringrift.encoding import FEATURE_VERSIONS, UnknownVersion, encode_batch, feature_version, new_batch
from ringrift.game import BOARDS, Game, configs, get_board
from ringrift.game.notation import parts
from ringrift.game.state import LINE_PROCESSING, MOVEMENT, TERRITORY_PROCESSING
from tests.encoding.positions import (
    any_config,
    any_version,
    encode,
    few,
    random_position,
    random_states,
    rewritten,
    seeds,
    trace_states,
)
from tests.game.drawing import drawn

# A drawing has a row per y. Player 1 is to act, so seat 0 is player 1 and seat 1 is player 2.
CORNER = """
.   .   a   #b  .
1   .   21  .   .
.   .   .   .   .
.   .   b   .   .
.   .   b   .   112
"""


@pytest.fixture(scope="module")
def corner() -> Game:
    return drawn("square8", CORNER, phase="movement", mustMoveFrom="0,1")


@pytest.mark.parametrize("version", FEATURE_VERSIONS)
def test_pieces_of_a_drawn_position(corner: Game, version: str) -> None:
    image = encode(corner, version)
    assert len(image.plane("board")) == 64
    assert image.plane("stack_0") == {(0, 1): 1, (2, 1): 1}
    assert image.plane("stack_1") == {(4, 4): 1}
    assert image.plane("height_0") == {(0, 1): 1, (2, 1): 2}
    assert image.plane("height_1") == {(4, 4): 3}
    assert image.plane("cap_0") == {(0, 1): 1, (2, 1): 1}
    assert image.plane("cap_1") == {(4, 4): 1}
    assert image.plane("marker_0") == {(2, 0): 1}
    assert image.plane("marker_1") == {(2, 3): 1, (2, 4): 1}
    assert image.plane("territory_1") == {(3, 0): 1}
    assert image.plane("must_move") == {(0, 1): 1}
    for empty in ("stack_2", "height_3", "territory_0", "capturer", "slide_to", "trail_1"):
        assert image.plane(empty) == {}


@pytest.mark.parametrize("version", FEATURE_VERSIONS)
def test_globals_of_a_drawn_position(corner: Game, version: str) -> None:
    image = encode(corner, version)
    expected = {
        "phase_movement": 1,
        "players_2": 1,
        "hand_0": 14 / 18,
        "hand_1": 16 / 18,
        "territory_1": 1 / 33,
        "markers_0": 1 / 32,
        "markers_1": 2 / 32,
        "on_board_0": 4 / 18,
        "on_board_1": 2 / 18,
        "controlled_0": 2 / 18,
        "controlled_1": 1 / 18,
        "alive_0": 1,
        "alive_1": 1,
        "placed": 1,
    }
    if version == "v2":
        expected |= {"can_move_0": 1, "can_move_1": 1, "movable_0": 2 / 18, "movable_1": 1 / 18}
    assert {name: image.value(name) for name in image.names if image.value(name)} == pytest.approx(expected)


def test_buried_rings_of_a_drawn_position(corner: Game) -> None:
    image = encode(corner, "v2")
    assert image.plane("buried_0") == {(4, 4): 2}
    assert image.plane("buried_1") == {(2, 1): 1}
    assert image.plane("next_run_0") == {(4, 4): 2}
    assert image.plane("next_run_1") == {(2, 1): 1}


def test_reach_of_a_drawn_position(corner: Game) -> None:
    """The stack of three rings goes three cells at least, over markers but not over the edge."""
    image = encode(corner, "v2")
    left = {(1, 4), (0, 4)}
    up = {(4, 1), (4, 0)}
    down_right = {(7, 4), (4, 7), (7, 7), (7, 1), (1, 7)}
    diagonal = {(1, 1), (0, 0)}
    assert image.plane("influence_1") == dict.fromkeys(left | up | down_right | diagonal, 1)
    assert image.plane("mobility")[4, 4] == 11
    # The single ring captures the stack of two; the other way round there is no cell behind to land on.
    assert image.plane("capturable_0") == {(2, 1): 1}
    assert image.plane("capturable_1") == {}


def test_runs_of_a_drawn_position(corner: Game) -> None:
    """Two markers of player 2 on (2, 3) and (2, 4): a third on either end would make a run of three."""
    image = encode(corner, "v2").plane("run_1")
    assert image[2, 3] == image[2, 4] == 2
    assert image[2, 2] == image[2, 5] == 3
    assert image[1, 3] == image[3, 5] == 2
    assert (0, 0) not in image
    own = encode(corner, "v2").plane("run_0")
    assert own[2, 0] == 1
    assert own[2, 1] == 2  # under the stack: it would leave a marker there
    assert (3, 0) not in own  # collapsed


@few
@given(any_config, any_version, seeds)
def test_seats_have_no_names(config: tuple[str, int], version: str, seed: int) -> None:
    """Move every player on by some seats, and the player to act with them: nothing changes."""
    game = random_position(*config, seed)
    expected = encode(game, version)
    for seats in range(1, game.players):
        found = encode(rewritten(game, seats=seats), version)
        assert (found.features == expected.features).all()
        assert (found.values == expected.values).all()


@few
@given(any_config, seeds)
def test_stacks_are_those_of_the_position(config: tuple[str, int], seed: int) -> None:
    game = random_position(*config, seed)
    image = encode(game, "v2")
    planes = {
        name: [image.plane(f"{name}_{seat}") for seat in range(4)]
        for name in ("stack", "height", "cap", "buried", "next_run")
    }
    for key, rings in game.state()["stacks"].items():
        at = tuple(map(int, key.split(",")))
        seats = [(int(ring) - game.player) % game.players for ring in reversed(rings)]  # from the top
        cap = next((depth for depth, seat in enumerate(seats) if seat != seats[0]), len(seats))
        below = seats[cap:]
        run = next((depth for depth, seat in enumerate(below) if seat != below[0]), len(below))
        for seat in range(4):
            top = seat == seats[0]
            assert planes["stack"][seat].get(at, 0) == top
            assert planes["height"][seat].get(at, 0) == top * len(rings)
            assert planes["cap"][seat].get(at, 0) == top * cap
            assert planes["buried"][seat].get(at, 0) == below.count(seat)
            assert planes["next_run"][seat].get(at, 0) == (run if below and seat == below[0] else 0)


@few
@given(any_config, seeds)
def test_reach_is_that_of_the_legal_moves_of_every_seat(config: tuple[str, int], seed: int) -> None:
    """As many stacks of a seat reach a cell, or capture a stack, as have such a move, were it the turn of that seat."""
    game = random_position(*config, seed)
    board = game.board
    image = encode(game, "v2")
    stacks = {tuple(map(int, key.split(","))) for key in game.state()["stacks"]}
    mobility: Counter[tuple[int, ...]] = Counter()
    for seat in range(game.players):
        turn = game.copy()
        turn._legal = None
        turn.array["player"] = (game.player - 1 + seat) % game.players + 1
        turn.array["phase"] = MOVEMENT
        for field in ("must_move", "capturer", "slide_to", "owed"):
            turn.array[field] = 0
        landings: Counter[tuple[int, ...]] = Counter()
        captures = set()
        for action in turn.legal_actions().tolist():
            part = parts(board, action)
            if part.kind != "move":
                continue
            path = [board.coordinates[part.cell]]
            dx, dy = board.directions[part.number]
            for _ in range(part.distance):
                x, y = path[-1][0] + dx, path[-1][1] + dy
                path.append((x, y, -x - y) if board.hexagonal else (x, y))
            mobility[path[0]] += 1
            landings[path[-1]] += 1
            captures |= {(path[0], at) for at in path[1:] if at in stacks}
        assert image.plane(f"influence_{seat}") == landings
        assert image.plane(f"capturable_{seat}") == Counter(target for _, target in captures)
        assert image.value(f"can_move_{seat}") == bool(landings)
    assert image.plane("mobility") == mobility


@few
@given(any_config, seeds)
def test_runs_are_the_longest_through_a_cell(config: tuple[str, int], seed: int) -> None:
    game = random_position(*config, seed)
    image = encode(game, "v2")
    state, board = game.state(), game.board
    markers = {tuple(map(int, key.split(",")))[:2]: owner for key, owner in state["markers"].items()}

    def run(start: tuple[int, ...], dx: int, dy: int, owner: int) -> int:
        length = 0
        while markers.get((start[0] + (length + 1) * dx, start[1] + (length + 1) * dy)) == owner:
            length += 1
        return length

    collapsed = {tuple(map(int, key.split(","))) for key in state["collapsed"]}
    for seat in range(game.players):
        owner = (game.player - 1 + seat) % game.players + 1
        expected = {}
        for at in set(board.coordinates) - collapsed:
            longest = max(1 + run(at, dx, dy, owner) + run(at, -dx, -dy, owner) for dx, dy in board.axes)
            if longest > 1 or markers.get(at[:2]) == owner:
                expected[at] = longest
        assert image.plane(f"run_{seat}") == expected


@pytest.mark.parametrize(("board", "players"), configs())
def test_claimable_cells_are_those_of_the_regions_on_offer(board: str, players: int) -> None:
    states = trace_states(board, players, every=40)
    offered = states[(states["phase"] == TERRITORY_PROCESSING) & (states["owed"] == 0)][:40]
    assert len(offered)
    for state in offered:
        game = Game(board, players)
        game._start(np.array([state]))
        notation = game.notation()
        regions = [parts(game.board, action) for action in game.legal_actions().tolist()]
        cells = Counter(
            game.board.coordinates[cell] for part in regions if part.kind == "region" for cell in notation.region(part)
        )
        assert encode(game, "v2").plane("claimable") == cells


@pytest.fixture(scope="module", params=FEATURE_VERSIONS)
def peaks(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A version and, by board, the highest values of features `[C, H, W]` and globals `[G]` over many positions."""
    version = feature_version(request.param)
    found = {}
    for name in BOARDS:
        board = get_board(name)
        opening = encode(Game(name, swap_rule=True), version.name)
        features, values = [opening.features], [opening.values]
        for players in (2, 3, 4):
            states = np.concatenate([random_states(name, players), trace_states(name, players)])
            batch = new_batch(version, board, len(states))
            encode_batch(states, version, board, *batch)
            assert batch[1].min() >= 0
            features.append(batch[0].max(axis=0))
            values.append(batch[1].max(axis=0))
        found[name] = np.max(features, axis=0), np.max(values, axis=0)
    return {"version": version} | found


@pytest.mark.parametrize("board", BOARDS)
def test_every_plane_is_of_use(peaks: dict[str, Any], board: str) -> None:
    """Each is set somewhere, stays near the range that its scale promises, and is 0 outside a hexagon."""
    version, (features, _) = peaks["version"], peaks[board]
    highest = features.max(axis=(1, 2))
    assert [name for name, value in zip(version.planes, highest, strict=True) if value == 0] == []
    assert (highest / version.scales[board] <= 5).all()
    geometry = get_board(board)
    outside = np.ones((geometry.size, geometry.size), bool)
    for x, y, *_ in geometry.coordinates:
        outside[x + geometry.radius, y + geometry.radius] = False
    assert (features[:, outside] == 0).all()


def test_every_global_is_of_use(peaks: dict[str, Any]) -> None:
    """The same; over all boards, because some come up rarely and none depends on the board."""
    version = peaks["version"]
    highest = np.max([peaks[board][1] for board in BOARDS], axis=0)
    assert [name for name, value in zip(version.globals, highest, strict=True) if value == 0] == []
    assert highest.max() <= 2


def test_names_are_unique_and_later_versions_append() -> None:
    first, second = feature_version("v1"), feature_version("v2")
    for names in (second.planes, second.globals):
        assert len(set(names)) == len(names)
    assert second.planes[: len(first.planes)] == first.planes
    assert second.globals[: len(first.globals)] == first.globals
    for version in FEATURE_VERSIONS.values():
        assert {board: len(scale) for board, scale in version.scales.items()} == dict.fromkeys(
            BOARDS, len(version.planes)
        )


def test_an_unknown_version_is_refused_by_name() -> None:
    with pytest.raises(UnknownVersion, match=r"v9.*v1, v2"):
        feature_version("v9")


def test_a_debt_shows_among_the_globals() -> None:
    game = drawn("square8", "a a a a .\n. . . . .\n. . 1 . .\n2 . . . .", phase="line_processing")
    assert game.array["phase"] == LINE_PROCESSING
    game.play(int(game.legal_actions()[0]))
    image = encode(game, "v1")
    assert image.value("owed_line_ring") == 1
    assert image.value("changed") == 1
    assert image.plane("trail_1") == {(0, 0): 1}
