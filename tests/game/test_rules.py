"""The rules, one by one, on boards drawn by hand. The names follow the sections of docs/RULES.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ringrift.game import Game, IllegalAction, new_states
from ringrift.game.game import record_moves
from ringrift.game.playout import perft
from ringrift.game.records import read_records
from tests.game.drawing import drawn, shape

TRACES = Path(__file__).parent.parent / "traces"


def keys(game: Game, kind: str = "") -> set[str]:
    legal = game.keys()
    return {key for key in legal if key.startswith(kind)}


# §3 The turn


def test_a_turn_walks_through_its_phases() -> None:
    game = Game("square8")
    game.play("PR 3,3 2")
    assert game.phase == "movement"
    game.play("MS 3,3>3,5")
    assert game.keys() == ["NL"]
    game.play("NL")
    assert game.keys() == ["NT"]
    game.play("NT")
    assert (game.player, game.phase) == (2, "ring_placement")


def test_seats_without_rings_are_passed_over() -> None:
    game = drawn("square8", "11 . .\n. . .\n333 . .", players=3, ringsInHand=[0, 0, 0], eliminatedRings=[16, 16, 17])
    for key in ("NP", "MS 0,0>2,0", "NL", "NT"):
        game.play(key)
    assert game.player == 3


# §4 Placement


def test_no_dead_placement_each_count_by_itself() -> None:
    """In the corner two rings can move two cells to the right, but three have nowhere to go."""
    game = drawn(
        "square8",
        """
        .  .  .  #a
        #a #a #a #a
        """,
    )
    assert {key for key in keys(game, "PR") if key.startswith("PR 0,0")} == {"PR 0,0 1", "PR 0,0 2"}


def test_one_ring_goes_on_any_stack() -> None:
    game = drawn("square8", ". . .\n. 22 .\n. . .")
    assert "PR 1,1 1s" in keys(game)
    assert "PR 1,1 2s" not in keys(game)
    game.play("PR 1,1 1s")
    assert shape(game)["1,1"] == "221"
    assert keys(game) == keys(game, "MS 1,1>")


def test_skip_placement_needs_a_stack_that_can_act() -> None:
    free = drawn("square8", "1 .\n. .")
    fenced = drawn("square8", "1 #b\n#b #b")
    assert "SP" in keys(free)
    assert "SP" not in keys(fenced)


# §5 Movement and capture


def test_a_stack_slides_at_least_its_height_over_markers() -> None:
    game = drawn("square8", "11 b . a . #b", phase="movement", ringsInHand=[0, 17])
    assert {"MS 0,0>2,0", "MS 0,0>3,0", "MS 0,0>4,0"} == {key for key in keys(game, "MS") if key.endswith(",0")}


def test_markers_passed_over_flip_or_collapse_and_the_one_landed_on_costs_a_ring() -> None:
    game = drawn("square8", "111 b a b", phase="movement", ringsInHand=[0, 18])
    game.play("MS 0,0>3,0")
    assert shape(game) == {"0,0": "a", "1,0": "a", "2,0": "#a", "3,0": "11"}
    assert game.state()["eliminatedRings"][0] == 16


def test_a_capture_takes_the_top_ring_under_the_stack() -> None:
    game = drawn("square8", "11 . 12 . .", phase="movement", ringsInHand=[0, 17])
    assert keys(game, "OC") == {
        "OC 0,0*2,0>3,0",
        "OC 0,0*2,0>4,0",
        "OC 0,0*2,0>5,0",
        "OC 0,0*2,0>6,0",
        "OC 0,0*2,0>7,0",
    }
    game.play("OC 0,0*2,0>3,0")
    assert shape(game) == {"0,0": "a", "2,0": "1", "3,0": "211"}
    assert game.phase == "chain_capture"


def test_a_higher_cap_cannot_be_captured() -> None:
    assert not keys(drawn("square8", "211 . 1222 .", phase="movement", ringsInHand=[0, 14]), "OC")
    assert keys(drawn("square8", "211 . 122 .", phase="movement", ringsInHand=[0, 15]), "OC")


def test_a_chain_must_go_on_and_may_reverse() -> None:
    game = drawn("square8", "1 2 .  2 .", phase="movement", ringsInHand=[0, 16])
    game.play("OC 0,0*1,0>2,0")
    assert game.phase == "chain_capture"
    assert keys(game) == keys(game, "CC 2,0*3,0>")
    assert "SC" not in keys(game)


def test_capture_after_a_slide_may_be_skipped() -> None:
    game = drawn("square8", "1 . 2 .", phase="movement", ringsInHand=[0, 17])
    game.play("MS 0,0>1,0")
    assert game.phase == "capture"
    assert "SC" in keys(game)
    game.play("SC")
    assert game.phase == "line_processing"


# §6 Lines


def test_an_exact_line_collapses_and_costs_a_ring() -> None:
    game = drawn("square8", "a a a a .\n. . . . .\n. 11 . . .", phase="line_processing", turnHadBoardChange=True)
    assert game.keys() == ["PL 0,0;1,0;2,0;3,0"]
    game.play(game.keys()[0])
    assert game.keys() == ["EL 1,2 line"]
    game.play("EL 1,2 line")
    assert shape(game) == {"0,0": "#a", "1,0": "#a", "2,0": "#a", "3,0": "#a", "1,2": "1"}
    assert game.keys() == ["NL"]


def test_a_longer_line_offers_all_of_it_or_any_free_window() -> None:
    game = drawn("square8", "a a a a a\n. . . . .\n. 11 . . .", phase="line_processing", turnHadBoardChange=True)
    line = "0,0;1,0;2,0;3,0;4,0"
    assert keys(game) == {f"LO {line}=all", f"LO {line}=0,0;1,0;2,0;3,0", f"LO {line}=1,0;2,0;3,0;4,0"}
    game.play(f"LO {line}=1,0;2,0;3,0;4,0")
    assert game.phase == "territory_processing"
    assert shape(game)["0,0"] == "a"
    assert shape(game)["1,2"] == "11"


def test_three_in_a_row_is_a_line_for_three_players_on_small_boards() -> None:
    drawing = "a a a\n. . .\n. 1 2"
    assert drawn("square8", drawing, 3, phase="line_processing").keys()[0].startswith("PL")
    assert drawn("square8", drawing, 2, phase="line_processing", turnHadBoardChange=True).keys() == ["NL"]


# §7 Territory


def test_a_claim_takes_the_region_and_its_border_and_costs_a_cap() -> None:
    """Player 2 sits alone in the corner behind a wall of player 1's markers."""
    game = drawn(
        "square8",
        """
        2 . a . 1
        . . a . .
        a a a . .
        """,
        phase="territory_processing",
        turnHadBoardChange=True,
    )
    region = "TR 0,0;0,1;1,0;1,1"
    assert keys(game) == {region, "ST"}
    game.play(region)
    taken = shape(game)
    assert all(taken[cell] == "#a" for cell in ("0,0", "1,1", "0,2", "1,2", "2,2", "2,0", "2,1"))
    assert game.keys() == ["EL 4,0 territory"]
    game.play("EL 4,0 territory")
    assert game.array["winner"] in (0, 1)


def test_no_claim_without_a_stack_outside() -> None:
    game = drawn("square8", "2 . a\n. . a\na a a", phase="territory_processing", turnHadBoardChange=True)
    assert game.keys() == ["NT"]


def test_hex_borders_grow_by_kings_steps_only_on_hex8() -> None:
    """The marker at (0, 1) touches the border of the corner by the step (1, 1), which no hex neighbour takes."""
    drawing = """
    2 b . . .
    b b . . . .
    . . b . . . .
    . . . . . . . .
    . . . . 1 . . . .
    """
    game = drawn("hex8", drawing, phase="territory_processing", turnHadBoardChange=True)
    claims = keys(game, "TR")
    assert len(claims) == 1
    game.play(claims.pop())
    assert [cell for cell, token in shape(game).items() if token == "b"] == []


# §8 Recovery


def test_recovery_offers_line_slides_first_and_may_always_be_skipped() -> None:
    game = drawn(
        "square8", "a a a .\n. . . . a\n. 122 .", phase="movement", ringsInHand=[0, 16], eliminatedRings=[17, 0]
    )
    assert keys(game) == {"RS 4,1>3,0 line", "SR"}
    game.play("RS 4,1>3,0 line")
    assert game.keys() == ["PL 0,0;1,0;2,0;3,0"]
    game.play("PL 0,0;1,0;2,0;3,0")
    assert game.keys() == ["EX 1,2"]
    game.play("EX 1,2")
    assert shape(game) == {"0,0": "#a", "1,0": "#a", "2,0": "#a", "3,0": "#a", "1,2": "22"}
    assert game.record()["moves"] == [
        {
            "type": "recovery_slide",
            "player": 1,
            "from": {"x": 4, "y": 1},
            "to": {"x": 3, "y": 0},
            "recoveryMode": "line",
            "recoveryOption": 1,
            "extractionStacks": ["1,2"],
        }
    ]


def test_a_strike_removes_the_marker_and_the_top_of_the_struck_stack() -> None:
    game = drawn("square8", "a 12 .\n. . .", phase="movement", ringsInHand=[0, 17], eliminatedRings=[17, 0])
    assert keys(game, "RS") == {"RS 0,0>0,1 fallback", "RS 0,0>1,0 stack_strike", "RS 0,0>1,1 fallback"}
    game.play("RS 0,0>1,0 stack_strike")
    assert shape(game) == {"1,0": "1"}
    assert game.keys() == ["EX 1,0"], "the ring pays although the strike has brought it to the top"


def recovery_with_two_lines() -> Game:
    return drawn(
        "square8",
        """
        a a a . a
        . . . a .
        . . . a .
        . . . a .
        . 122 . . .
        """,
        phase="movement",
        ringsInHand=[0, 16],
        eliminatedRings=[17, 0],
    )


def test_a_recovery_through_two_lines_is_recorded_without_ambiguity() -> None:
    game = recovery_with_two_lines()
    game.play("RS 4,0>3,0 line")
    assert len(game.keys()) == 2
    game.play("PL 3,0;3,1;3,2;3,3")
    game.play("EX 1,4")
    move = game.record()["moves"][0]
    assert len(move["collapsePositions"]) == 4
    assert Game.from_record(game.record()).state() == game.state()
    del move["collapsePositions"]
    with pytest.raises(Exception, match="several lines fit"):
        recovery_with_two_lines().play(move)


def test_a_record_cut_in_the_middle_of_a_recovery_replays_to_the_same_decision() -> None:
    game = recovery_with_two_lines()
    game.play("RS 4,0>3,0 line")
    again = Game.from_record(game.record())
    assert again.state() == game.state()
    assert again.keys() == game.keys()
    middle = Game.from_state(game.state(), "square8")
    assert middle.keys() == game.keys()


def test_a_stack_that_a_strike_has_freed_can_pay_for_a_region_with_the_lowest_ring_of_its_cap() -> None:
    """Player 2 controls a stack of 222 over a foreign ring: the two lower rings of that cap are buried."""
    record = next(read_records(TRACES / "hex8_2p-buried.jsonl.gz"))[1]
    game = Game.opening(record)
    for move in record_moves(record)[:147]:
        game.play(move)
    region = "TR 0,3,-3;0,4,-4;1,3,-4"
    assert keys(game) == {region, "ST"}
    game.play(region)
    assert keys(game) == {"EL 3,0,-3 recovery"}
    game.play("EL 3,0,-3 recovery")
    assert shape(game)["3,0,-3"] == "122"


def test_every_ring_below_a_top_ring_can_pay_for_a_region_whoever_controls_the_stack() -> None:
    game = drawn(
        "square8",
        """
        . . . 221  . . . .
        . . . 222  . . . .
        . . . .    . . . .
        . . . .    . . . .
        . . . .    . . . 221
        . . . 2121 . . . 2
        """,
        currentPlayer=2,
        phase="territory_processing",
        pendingTerritoryElim=True,
        turnHadBoardChange=True,
        turnHadRecoverySlide=True,
    )
    assert keys(game) == {f"EL {cell} recovery" for cell in ("3,0", "3,1", "3,5", "7,4")}, "a lone ring is not buried"
    game.play("EL 3,1 recovery")
    assert shape(game)["3,1"] == "22"


def test_a_pure_stack_of_two_makes_a_region_eligible_in_a_turn_with_a_recovery_slide() -> None:
    game = drawn(
        "square8",
        """
        . . . . . . .  .
        . . . . . . .  .
        . . . . . . .  #c
        . . . . . . #c .
        . . . . . . .  b
        . . . . . . .  .
        . . . . . 33 . .
        """,
        players=4,
        currentPlayer=3,
        phase="territory_processing",
        turnHadBoardChange=True,
        turnHadRecoverySlide=True,
    )
    assert keys(game) == {"TR 7,3", "ST"}


# §9 Forced elimination


def test_a_player_who_cannot_change_the_board_loses_a_cap() -> None:
    game = drawn("square8", "211 #b . 2\n#b #b . .", ringsInHand=[0, 0], eliminatedRings=[16, 16])
    for key in ("NP", "NM", "NL", "ST"):
        game.play(key)
    assert keys(game) == {"FE 0,0"}, "skipping a claim does not save the cap"
    game.play("FE 0,0")
    assert shape(game)["0,0"] == "2"


# §10 Victory and the end


@pytest.mark.parametrize(
    ("fields", "winner", "reason"),
    [
        ({"ringsInHand": [0, 0], "eliminatedRings": [17, 16]}, 1, "ring_elimination"),
        ({"ringsInHand": [17, 0], "eliminatedRings": [0, 16]}, None, None),
    ],
)
def test_credited_rings_win(fields: dict[str, Any], winner: int | None, reason: str | None) -> None:
    """Landing on the marker costs the mover a ring, which is credited to the mover."""
    game = drawn("square8", "1 a . .\n. . . .\n. . 22 .", phase="movement", **fields)
    game.play("MS 0,0>1,0")
    assert (game.result().winner, game.result().reason) == (winner, reason)


def test_the_last_player_with_rings_wins() -> None:
    game = drawn("square8", "1 2 . .", phase="movement", ringsInHand=[0, 0], eliminatedRings=[17, 17])
    game.play("OC 0,0*1,0>2,0")
    assert game.result().winner is None, "the captured ring lies under the stack: player 2 still has material"
    fields = {"phase": "movement", "ringsInHand": [0, 0], "eliminatedRings": [17, 16]}
    game = drawn("square8", "1 . 2 b . .\n. . . . . .\n1 . . . . .", currentPlayer=2, **fields)
    game.play("MS 2,0>3,0")
    assert (game.result().winner, game.result().reason) == (1, "last_player_standing_material")


@pytest.mark.parametrize(
    ("drawing", "eliminated", "winner"),
    [
        ("3 a #b .\n#a #a #b #a", [17, 18, 18], 1),  # most territory, three cells to two
        ("3 a a a", [18, 18, 17], 1),  # … as much territory: most credited rings; 18 each: most markers
        ("3 a . b", [17, 18, 18], 3),  # 19 rings for the one who moved last
    ],
)
def test_a_bare_board_without_rings_is_a_stalemate(drawing: str, eliminated: list[int], winner: int) -> None:
    """Player 3's last ring lands on a marker: that was the last ring of the game."""
    game = drawn(
        "square8",
        drawing,
        players=3,
        phase="movement",
        currentPlayer=3,
        ringsInHand=[0, 0, 0],
        eliminatedRings=eliminated,
    )
    game.play("MS 0,0>1,0")
    assert (game.result().winner, game.result().reason) == (winner, "stalemate")


def test_a_ring_lost_by_forced_elimination_is_lost_in_that_turn() -> None:
    game = drawn(
        "square8", "1 #b . 2\n#b #b . .\n. . . 33", players=3, ringsInHand=[0, 0, 0], eliminatedRings=[17, 17, 16]
    )
    turn = int(game.array["turn"])
    for key in ("NP", "NM", "NL", "FE 0,0"):
        game.play(key)
    assert game.array["lost_turn"].tolist() == [turn + 1, 0, 0, 0]


def test_ranks_are_shared_and_the_next_is_skipped() -> None:
    game = drawn(
        "square8",
        "11 #a . #b\n. . . #c",
        players=4,
        phase="movement",
        ringsInHand=[0, 18, 18, 18],
        eliminatedRings=[16, 0, 0, 0],
    )
    assert game.ranks() == (1, 2, 2, 4)


def test_the_limit_of_moves_ends_a_game_without_a_winner() -> None:
    game = Game("hex8", max_moves=5)
    while not game.is_over:
        game.play(int(game.legal_actions()[0]))
    assert (game.result().status, game.result().winner, game.result().plies) == ("active", None, 5)
    assert len(game.legal_actions()) == 0
    with pytest.raises(IllegalAction, match="stopped after 5 moves"):
        game.play(0)


# §11 The pie rule


def test_the_pie_rule_is_offered_once_to_player_two() -> None:
    game = Game("square8", swap_rule=True)
    assert "SW" not in keys(game)
    for key in ("PR 3,3 1", "MS 3,3>3,4", "NL", "NT"):
        game.play(key)
    assert "SW" in keys(game)
    before = shape(game)
    game.play("SW")
    assert (game.player, game.phase, shape(game)) == (2, "ring_placement", before)
    assert "SW" not in keys(game)
    assert Game.from_record(game.record()).record() == game.record()


def test_the_chance_to_swap_passes_with_the_first_action() -> None:
    game = Game("square8", swap_rule=True)
    for key in ("PR 3,3 1", "MS 3,3>3,4", "NL", "NT", "PR 0,0 1", "MS 0,0>1,0", "NL", "NT"):
        game.play(key)
    for key in ("PR 7,7 1", "MS 7,7>7,5", "NL", "NT"):
        game.play(key)
    assert game.player == 2
    assert "SW" not in keys(game)


@pytest.mark.parametrize(("board", "players"), [("square8", 2), ("hex8", 3)])
def test_perft_counts_what_playing_one_by_one_counts(board: str, players: int) -> None:
    def count(game: Game, depth: int) -> int:
        if depth == 0 or game.is_over:
            return 1
        total = 0
        for action in game.legal_actions().tolist():
            child = game.copy()
            child.play(action)
            total += count(child, depth - 1)
        return total

    game = Game(board, players)
    state = new_states(game.board, players)[0]
    assert perft(game.board, state, 3) == count(game, 3)
