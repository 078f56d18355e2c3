"""A game as a line of JSON: it comes back as it was, and what is no record is refused in one line."""

from __future__ import annotations

import gzip
import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest

from ringrift.game import BadRecord, Game
from ringrift.game.playout import random_playouts
from ringrift.selfplay import GameRecord, SearchStatistics, read_line
from ringrift.selfplay.record import FORMAT, FORMAT_1_NAMES
from tests.old_formats import OLD_FORMATS


def a_record(**changes: Any) -> GameRecord:
    game = Game("hex8", 3)
    played = random_playouts(game.board, 3, 1, seed=4, keep_actions=1000)
    actions = played.actions[0, : played.action_counts[0]]
    for action in actions.tolist():
        game.play(action)
    result = game.result()
    search = SearchStatistics(
        action_index=np.array([2, 5], np.int32),
        has_policy=np.array([1, 0], np.uint8),
        root_values=np.array([[32767, 0, -32767], [5, 6, 7]], np.int16),
        policy_lengths=np.array([2, 1], np.uint16),
        policy_actions=np.array([7, 300, 4500], np.int32),
        policy_probs=np.array([65000, 535, 65535], np.uint16),
    )
    fields: dict[str, Any] = {
        "config": "hex8_3p",
        "run": "test",
        "game": 3,
        "seed": 9,
        "engines": ("random", "gumbel:x.pth@8", "random"),
        "models": (None, "abc", None),
        "opening": 2,
        "max_moves": 800,
        "actions": actions,
        "winner": result.winner,
        "reason": result.reason,
        "ranks": result.ranks,
        "search": search,
        "resigned": (2, 40),
        "host": "h",
        "worker": "0",
        "ended": 1767225600,
    }
    return GameRecord(**{**fields, **changes})


def surprised(*surprise: float) -> dict[str, Any]:
    search = a_record().search
    assert search is not None
    return {"search": replace(search, surprise=np.array(surprise, np.float16))}


@pytest.mark.parametrize(
    "changes", [{}, surprised(0.25, np.nan), {"search": None, "resigned": None}, {"winner": None, "ranks": None}]
)
def test_a_line_comes_back_as_it_was(changes: dict[str, Any]) -> None:
    record = a_record(**changes)
    line = record.to_line()
    again = read_line(line)
    assert again.to_line() == line
    assert line.count(b"\n") == 1
    assert again.identity == record.identity
    assert (again.actions == record.actions).all()
    assert again.ranks == record.ranks


def test_a_line_replays_in_the_engine() -> None:
    record = a_record()
    game = Game.from_record(orjson.loads(record.to_line()))
    assert game.actions == record.actions.tolist()
    assert game.is_over


def test_what_and_who_was_played_names_a_game_but_not_where_and_when() -> None:
    record = a_record()
    assert replace(record, host="other", worker="7", ended=1).identity == record.identity
    for other in ({"game": 4}, {"run": "next"}, {"engines": ("random",) * 3}, {"actions": record.actions[:-1]}):
        assert replace(record, **other).identity != record.identity


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(format=3), "`format` is 3, and this program reads 2 and 1"),
        (lambda r: r.pop("actions"), "a record needs the field `actions`"),
        (lambda r: r.update(actions=[1, 2.5]), "`actions` must be whole numbers"),
        (lambda r: r.update(actions=[1, 1 << 40]), "a field is not of its type"),
        (lambda r: r.update(actions="none"), "`actions` must be whole numbers"),
        (lambda r: r.update(game="3"), "`game` must be of type int, not '3'"),
        (lambda r: r.update(engines=3), "a field is not of its type"),
        (lambda r: r.update(result=None), "a field is not of its type"),
        (lambda r: r.update(resigned=[1]), "a field is not of its type"),
        (lambda r: r.update(models=[[], None, None]), r"`models` must be of type str, not \[\]"),
        (lambda r: r["result"].update(winner=True), "`winner` must be of type int, not True"),
        (lambda r: r["result"].update(reason=3), "`reason` must be of type str, not 3"),
        (lambda r: r["result"].update(ranks=[1, 2.0, 3]), "`ranks` must be of type int, not 2.0"),
        (lambda r: r.update(search=[]), "`search` must be an object"),
        (lambda r: r["search"].pop("action_index"), "`search` needs the field `action_index`"),
        (lambda r: r["search"].update(policy_probs="?"), r"`search.policy_probs` is no array"),
        (lambda r: r["search"].update(policy_lengths="AQA="), "do not belong together"),
        (lambda r: r["search"].update(root_values="AQA="), "`search.root_values` holds 1 numbers, not 2 × 3"),
        (
            lambda r: r["search"].update(action_index="BQAAAAIAAAA="),
            "`search.action_index` must rise and stay within the game",
        ),
        (lambda r: r["search"].update(surprise="AAA="), "do not belong together"),
        (lambda r: r["search"].update(surprise="AAAAvA=="), "`search.surprise` must be numbers from 0 on"),
        (lambda r: r["search"].update(surprise="AAAAfA=="), "`search.surprise` must be numbers from 0 on"),
    ],
    ids=itertools.count(),
)
def test_what_is_no_record_is_refused(change: Any, message: str) -> None:
    fields = orjson.loads(a_record().to_line())
    change(fields)
    with pytest.raises(BadRecord, match=message):
        read_line(orjson.dumps(fields))


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"\xff", b'{"a":1}'])
def test_a_line_that_is_no_object_is_refused(line: bytes) -> None:
    with pytest.raises(BadRecord):
        read_line(line)


def test_records_of_format_1_are_read_under_the_names_of_today() -> None:
    with gzip.open(OLD_FORMATS / "games.jsonl.gz") as file:
        lines = file.readlines()
    assert len(lines) == 4
    for line in lines:
        old, record = orjson.loads(line), read_line(line)
        assert old["format"] == 1
        assert record.search is not None
        new = orjson.loads(record.to_line())
        assert new["format"] == FORMAT
        assert sorted(new["search"]) == sorted(FORMAT_1_NAMES.get(name, name) for name in old["search"])
        assert all(new["search"][FORMAT_1_NAMES.get(name, name)] == array for name, array in old["search"].items())
        assert {**new, "format": 1, "search": old["search"]} == old
        assert read_line(record.to_line()).identity == record.identity
