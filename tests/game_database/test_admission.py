"""What gets through the door, and what is turned away for which reason."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from ringrift.game import Game
from ringrift.game_database.admission import RECORD_FIELDS, Admitted, Line, TurnedAway, admit
from ringrift.selfplay import read_line
from tests.game_database.records import random_records

TRACES = Path(__file__).parent.parent / "traces"


def verdict(raw: bytes) -> Admitted | TurnedAway:
    return admit([Line(1, 1, raw)])[0]


def admitted(raw: bytes) -> Admitted:
    found = verdict(raw)
    assert isinstance(found, Admitted), found
    return found


def turned_away(raw: bytes) -> TurnedAway:
    found = verdict(raw)
    assert isinstance(found, TurnedAway)
    return found


@pytest.mark.parametrize("config", ["square8_2p", "hex8_3p"])
def test_sound_games_are_admitted_and_counted(config: str) -> None:
    for record in random_records(config, 6, searched=2):
        finding = admitted(record.to_line()).finding
        game = Game.from_record(orjson.loads(record.to_line()))
        kinds = [type_of(move) for move in game.record()["moves"]]
        assert finding["plies"] == len(kinds) == game.result().plies
        assert finding["placements"] == kinds.count("place_ring")
        assert finding["recoveries"] == kinds.count("recovery_slide")
        assert finding["forced_eliminations"] == kinds.count("forced_elimination")
        assert finding["regions"] == kinds.count("choose_territory_option")
        assert finding["lines"] == kinds.count("process_line") + kinds.count("choose_line_option")
        assert finding["movements"] == sum(
            kinds.count(kind) for kind in ("move_stack", "overtaking_capture", "continue_capture_segment")
        )


def type_of(move: dict[str, Any]) -> str:
    return str(move["type"])


def test_a_game_that_was_stopped_at_its_limit_is_admitted() -> None:
    (record,) = random_records(count=1, max_moves=20)
    assert record.winner is None
    assert admitted(record.to_line()).finding["plies"] == 20


def test_the_fields_of_a_record_are_known_and_others_are_kept() -> None:
    line = replace(random_records(count=1)[0], code="0.1.0+c1").to_line()
    assert orjson.loads(line).keys() == RECORD_FIELDS
    longer = line[:-2] + b',"temperature":0.5,"note":{"a":[1]}}\n'
    candidate = admitted(longer).candidate
    assert candidate.extra == {"temperature": 0.5, "note": {"a": [1]}}
    assert candidate.to_line() == longer


def illegal_in_the_middle(fields: dict[str, Any]) -> None:
    fields["actions"][60] = fields["actions"][0]


def illegal_policy(fields: dict[str, Any]) -> None:
    record = read_line(orjson.dumps(fields))
    assert record.search is not None
    actions = record.search.policy_actions.copy()
    actions[-1] = 3
    fields["search"] = replace(record.search, policy_actions=actions).to_json()


@pytest.mark.parametrize(
    ("change", "reason", "detail"),
    [
        (illegal_in_the_middle, "illegal_action", "action 60: action .* is not legal for player . in phase"),
        (lambda r: r["actions"].__setitem__(0, 1 << 30), "illegal_action", "the policy has"),
        (lambda r: r["actions"].__setitem__(0, -1), "illegal_action", "action 0: action -1"),
        (lambda r: r["actions"].append(r["actions"][-1]), "after_the_end", "at action"),
        (lambda r: r.update(maxMoves=50), "after_the_end", "at action 50 of"),
        (lambda r: r["actions"].pop(), "unfinished", "neither won nor at the limit of 400"),
        (lambda r: r.update(actions=[], search=None, opening=0, resigned=None), "unfinished", "after 0 moves"),
        (illegal_policy, "illegal_policy", "at action"),
        (lambda r: r["result"].update(winner=3 - r["result"]["winner"]), "wrong_result", "winner"),
        (lambda r: r["result"].update(reason="boredom"), "wrong_result", "reason 'boredom'"),
        (lambda r: r["result"].update(ranks=[1, 1]), "wrong_result", "ranks"),
        (lambda r: r["result"].update(winner=True), "no_record", "`winner` must be of type int"),
        (lambda r: r.update(config="square8_3p"), "config", "2 engines for 3 seats"),
        (lambda r: r.update(config="hex8_2p"), "illegal_action", "action"),
        (lambda r: r.update(config="square9_2p"), "config", "unknown config 'square9_2p'"),
        (lambda r: r.update(format=7), "no_record", "`format` is 7"),
        (lambda r: r.update(models=[""]), "config", "1 models for 2 seats"),
        (lambda r: r.update(models=[[], None]), "no_record", "`models` must be of type str"),
        (lambda r: r.update(resigned=[3, 5]), "no_record", r"`resigned` is \[3, 5\]"),
        (lambda r: r.update(maxMoves=0), "no_record", "`maxMoves` must be a number above 0"),
        (lambda r: r.update(opening=-1), "no_record", "`opening` is -1"),
        (lambda r: r.update(seed=1 << 63), "no_record", "more than 64 bits"),
        (lambda r: r.update(run="a\0b"), "no_record", "a character 0"),
    ],
    ids=itertools.count(),
)
def test_what_is_no_sound_game_is_turned_away(
    change: Callable[[dict[str, Any]], object], reason: str, detail: str
) -> None:
    fields = orjson.loads(random_records(count=1, searched=1)[0].to_line())
    change(fields)
    found = turned_away(orjson.dumps(fields))
    assert found.reason == reason
    with pytest.raises(Exception, match=detail):
        raise Exception(found.detail)


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe", b"[1]\n", b"7", b'{"actions": []}', b"[" * 100_000])
def test_what_is_no_record_at_all_is_turned_away(raw: bytes) -> None:
    assert turned_away(raw).reason in ("no_record", "not_replayable")


def test_one_bad_game_does_not_spoil_its_neighbours() -> None:
    records = [*random_records(count=3, searched=2), *random_records("hex8_3p", 2)]
    bad = replace(records[1], actions=np.delete(records[1].actions, 30))
    lines = [Line(1, n, record.to_line()) for n, record in enumerate([records[0], bad, *records[2:]])]
    kinds = [type(verdict) for verdict in admit(lines)]
    assert kinds == [Admitted, TurnedAway, Admitted, Admitted, Admitted]
    assert [verdict.line.number for verdict in admit(lines)] == [0, 1, 2, 3, 4]


# Records of other programs


def trace(number: int) -> dict[str, Any]:
    with gzip.open(TRACES / "square8_2p.jsonl.gz") as file:
        return orjson.loads(next(itertools.islice(file, number, None)))


def test_another_programs_record_becomes_one_of_ours() -> None:
    fields = trace(0) | {"id": "xyz", "engines": ["alpha", "beta"], "thinkTimes": [1, 2]}
    raw = orjson.dumps(fields)
    candidate = admitted(raw).candidate
    assert (candidate.origin, candidate.record.run) == ("foreign", "foreign")
    assert candidate.record.engines == ("alpha", "beta")
    assert candidate.record.seed == fields["seed"]
    assert candidate.record.winner == fields["result"]["winner"]
    assert candidate.extra == {
        "id": "xyz",
        "engines": ["alpha", "beta"],
        "thinkTimes": [1, 2],
        "policy": "uniform",
        "seed": fields["seed"],
    }
    ours = candidate.to_line()
    again = admitted(ours).candidate
    assert (again.origin, again.extra, again.to_line()) == ("foreign", candidate.extra, ours)
    assert again.record.identity == candidate.record.identity == admitted(raw + b"\n").candidate.record.identity


def test_two_foreign_games_with_the_same_moves_are_two_games() -> None:
    identities = {admitted(orjson.dumps(trace(0) | {"id": n})).candidate.record.identity for n in range(2)}
    assert len(identities) == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda r: r["plies"][9]["move"].update(player=3 - r["plies"][9]["move"]["player"]), "not_replayable"),
        (lambda r: r["plies"][0]["move"]["to"].update(x=99), "not_replayable"),
        (lambda r: r["plies"].pop(5), "not_replayable"),
        (lambda r: r["result"].update(winner=2), "not_replayable"),
        (lambda r: (r["plies"].pop(), r.pop("result")), "unfinished"),
        (lambda r: r["rules"].update(swapRuleEnabled=True), "special_start"),
        (lambda r: r.update(initial=r["plies"][7]["state_after"], plies=r["plies"][8:]), "special_start"),
        (lambda r: (r.pop("rules"), r.update(config="square8_9p")), "config"),
        (lambda r: r["rules"].update(numPlayers=3), "not_replayable"),
    ],
    ids=itertools.count(),
)
def test_a_foreign_record_that_does_not_replay_is_turned_away(
    change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    fields = trace(0)
    change(fields)
    assert turned_away(orjson.dumps(fields)).reason == reason
