"""A session: who plays when, taking turns back, keeping and going on."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringrift.game import BadRecord, Game, IllegalAction
from ringrift.game.records import write_records
from ringrift.play import PERSON, BadSession, Session, open_game, save_game


def play_turns(session: Session, turns: int) -> None:
    """Let the person play the first legal action, for some whole turns."""
    for _ in range(turns):
        turn = session.game.array["turn"]
        while not session.is_over and (session.game.array["turn"] == turn or not session.awaits_person):
            if session.awaits_person:
                session.choose(session.game.keys()[0])
            for _ in session.run_on():
                pass


@pytest.fixture
def session() -> Session:
    return Session(Game("hex8", 3), (PERSON, "random", "random"), seed=4)


def test_agents_and_forced_actions_go_on_until_a_person_has_a_choice(session: Session) -> None:
    assert list(session.run_on()) == []
    first = session.choose("PR 0,0,0 2")
    assert (first.player, first.key, first.forced) == (1, "PR 0,0,0 2", False)
    assert session.awaits_person
    session.choose(int(session.game.legal_actions()[0]))
    steps = list(session.run_on())
    assert [step.key for step in steps[:2]] == ["NL", "NT"]
    assert all(step.forced for step in steps[:2])
    assert {step.player for step in steps} == {1, 2, 3}
    assert session.game.player == 1
    assert session.awaits_person


def test_the_same_seed_gives_the_same_replies(session: Session) -> None:
    play_turns(session, 3)
    again = Session(Game("hex8", 3), (PERSON, "random", "random"), seed=4)
    play_turns(again, 3)
    assert again.game.actions == session.game.actions
    other = Session(Game("hex8", 3), (PERSON, "random", "random"), seed=5)
    play_turns(other, 3)
    assert other.game.actions != session.game.actions


def test_undo_takes_back_the_persons_turn_with_the_replies(session: Session) -> None:
    positions = [session.game.hash()]
    for _ in range(3):
        play_turns(session, 1)
        positions.append(session.game.hash())
    session.choose(session.game.keys()[0])
    for position in reversed(positions):
        session.undo()
        assert session.game.hash() == position
        assert session.awaits_person
    with pytest.raises(IllegalAction, match="there is no turn of yours to take back"):
        session.undo()


def test_a_turn_can_be_taken_back_again_after_other_moves(session: Session) -> None:
    start = session.game.hash()
    play_turns(session, 1)
    session.undo()
    session.choose("PR 0,0,0 1")
    session.undo()
    assert session.game.hash() == start


def test_two_people_take_back_their_own_turns() -> None:
    session = Session(Game("square8"), (PERSON, PERSON))
    play_turns(session, 1)
    assert session.game.player == 2
    before = session.game.hash()
    play_turns(session, 1)
    session.undo()
    assert session.game.hash() == before


def test_an_illegal_choice_changes_nothing(session: Session) -> None:
    before = session.game.hash()
    with pytest.raises(IllegalAction, match="'MS 0,0,0>1,0,-1' is not legal for player 1 in phase ring_placement"):
        session.choose("MS 0,0,0>1,0,-1")
    assert session.game.hash() == before
    with pytest.raises(IllegalAction):
        session.undo()


def test_agents_alone_play_to_the_end() -> None:
    session = Session(Game("hex8", 2), ("random", "random"))
    steps = list(session.run_on())
    assert session.is_over
    replayed = Game("hex8", 2)
    for step, action in zip(steps, session.game.actions, strict=True):
        assert (step.player, step.key) == (replayed.player, replayed.key(action))
        assert step.forced == (len(replayed.legal_actions()) == 1)
        replayed.play(action)


@pytest.mark.parametrize("name", ["game.jsonl", "game.jsonl.gz"])
def test_a_record_is_gone_on_with_and_its_turns_can_be_taken_back(session: Session, tmp_path: Path, name: str) -> None:
    play_turns(session, 2)
    save_game(session, tmp_path / name)
    kept = open_game(tmp_path / name)
    assert kept.seats == (PERSON, "random", "random")
    assert kept.game.actions == session.game.actions
    again = Session(kept.game, kept.seats, seed=4)
    play_turns(session, 1)
    play_turns(again, 1)
    assert again.game.actions == session.game.actions
    assert [again.undo() for _ in range(3)] == [session.undo() for _ in range(3)]
    assert again.game.actions == []


def test_a_position_is_gone_on_with_but_has_no_past(session: Session, tmp_path: Path) -> None:
    play_turns(session, 2)
    save_game(session, tmp_path / "game.json")
    kept = open_game(tmp_path / "game.json")
    assert kept.game.hash() == session.game.hash()
    with pytest.raises(IllegalAction, match="no turn of yours"):
        Session(kept.game, kept.seats or ()).undo()


def test_who_has_resigned_stands_in_the_record(session: Session) -> None:
    play_turns(session, 1)
    session.resign()
    assert session.is_over
    assert session.record()["resigned"] == 1
    assert Game.from_record(session.record()).actions == session.game.actions


def test_games_that_cannot_be_played_here_are_refused() -> None:
    with pytest.raises(BadSession, match="pie rule"):
        Session(Game("hex8", 2, swap_rule=True), (PERSON, PERSON))
    with pytest.raises(BadSession, match="hex8_3p has 3 seats, not 2"):
        Session(Game("hex8", 3), (PERSON, PERSON))


@pytest.mark.parametrize(
    ("record", "number", "message"),
    [
        ({"config": "hex8_2p", "moves": []}, 2, "there is no game 2, the file holds 1"),
        ({"config": "hex8_2p"}, 1, "game.jsonl:1: neither a record with `moves` nor a position"),
        ({"config": "hex8_2p", "state": {}}, 1, "game.jsonl:1: not a position of hex8 for 2 players"),
        ({"config": "hex8_2p", "moves": [{"type": "skip_capture"}]}, 1, "game.jsonl:1: move 0: "),
    ],
)
def test_a_file_that_cannot_be_gone_on_with_is_explained(
    record: dict[str, object], number: int, message: str, tmp_path: Path
) -> None:
    write_records(tmp_path / "game.jsonl", [record])
    with pytest.raises(BadRecord, match=message):
        open_game(tmp_path / "game.jsonl", number)
