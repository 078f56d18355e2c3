"""The conformance check notices what it is there to notice."""

from __future__ import annotations

import copy
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringrift.errors import UnwritableFile
from ringrift.game import Game
from ringrift.game.conformance import Divergence, check_file, check_invariants, check_record
from ringrift.game.records import read_records, write_records

TRACE = Path(__file__).parent.parent / "traces" / "square8_2p.jsonl.gz"


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return next(read_records(TRACE))[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r["plies"][5]["legal"].append("FE 0,0"), r"move 5: legal actions differ: .*missing \['FE 0,0'\]"),
        (lambda r: r["plies"][5]["legal"].pop(), "move 5: legal actions differ: too many"),
        (lambda r: r["plies"][9]["state_after"].update(phase="capture"), "after move 9 .*`phase` is"),
        (lambda r: r["plies"][9]["state_after"]["stacks"].update({"0,0": "1"}), "after move 9 .*`stacks` is"),
        (lambda r: r["plies"].pop(2), "move 2: "),
        (lambda r: r["result"].update(reason="boredom"), "after the last move: the result says reason"),
    ],
)
def test_every_kind_of_difference_is_found(
    record: dict[str, Any], change: Callable[[dict[str, Any]], object], message: str
) -> None:
    changed = copy.deepcopy(record)
    change(changed)
    with pytest.raises(Divergence, match=message) as error:
        check_record(changed)
    assert "y\\x" in error.value.board, "the position is drawn"


def test_a_broken_counter_is_found() -> None:
    game = Game("square8")
    game.play("PR 3,3 2")
    check_invariants(game)
    game.array["controlled"][1] = 1
    with pytest.raises(Divergence, match="`controlled` does not agree"):
        check_invariants(game)


def test_a_lost_ring_is_found() -> None:
    game = Game("square8")
    game.array["hand"][0] -= 1
    with pytest.raises(Divergence, match="1 rings are gone, 0 are credited"):
        check_invariants(game)


def test_complaints_name_file_and_line(record: dict[str, Any], tmp_path: Path) -> None:
    changed = copy.deepcopy(record)
    changed["plies"][0]["legal"] = []
    path = tmp_path / "two.jsonl"
    assert write_records(path, [record, changed]) == 2
    with pytest.raises(Divergence, match=r"two\.jsonl:2: move 0: legal actions differ"):
        check_file(path)


def test_the_same_records_give_the_same_compressed_bytes(record: dict[str, Any], tmp_path: Path) -> None:
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        write_records(tmp_path / name, [record])
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert json.loads(gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes())) == record


def test_a_device_is_never_replaced_and_a_link_is_followed(record: dict[str, Any], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/null")):
        with pytest.raises(UnwritableFile, match="not a plain file"):
            write_records(path, [record])
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "target.jsonl")
    write_records(tmp_path / "link.jsonl", [record])
    assert (tmp_path / "link.jsonl").is_symlink()
    assert len(list(read_records(tmp_path / "target.jsonl"))) == 1


def test_a_gzipped_file_is_known_by_its_first_bytes(record: dict[str, Any], tmp_path: Path) -> None:
    write_records(tmp_path / "games.jsonl.gz", [record])
    (tmp_path / "games.jsonl.gz").rename(tmp_path / "games.jsonl")
    assert len(list(read_records(tmp_path / "games.jsonl"))) == 1


def test_a_failed_write_leaves_nothing_behind(record: dict[str, Any], tmp_path: Path) -> None:
    def records() -> Any:
        yield record
        raise KeyboardInterrupt

    path = tmp_path / "games.jsonl"
    path.write_text("the old file\n")
    with pytest.raises(KeyboardInterrupt):
        write_records(path, records())
    assert [entry.name for entry in tmp_path.iterdir()] == ["games.jsonl"]
    assert path.read_text() == "the old file\n"
