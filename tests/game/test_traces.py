"""The reference games replay exactly: legal actions, positions and results at every move; in every fourth game each
legal action survives action → canonical move → action."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from ringrift.game import Game, configs
from ringrift.game.conformance import check_file, check_record
from ringrift.game.game import record_moves
from ringrift.game.records import read_records

pytestmark = pytest.mark.slow

TRACES = Path(__file__).parent.parent / "traces"
CONFIGS = [f"{board}_{players}p" for board, players in configs()]
PARTS = 4


def trace(config: str) -> Path:
    return TRACES / f"{config}.jsonl.gz"


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("config", CONFIGS)
def test_every_game_replays(config: str, part: int) -> None:
    records = islice(read_records(trace(config)), part, None, PARTS)
    checked = [check_record(record, round_trips=number % 4 == 0) for number, (_, record) in enumerate(records)]
    assert len(checked) > 10


@pytest.mark.parametrize("path", sorted(TRACES.glob("*-*.jsonl.gz")), ids=lambda path: path.name)
def test_the_games_of_a_rare_spot_replay(path: Path) -> None:
    assert check_file(path).games > 0


@pytest.mark.parametrize("config", CONFIGS)
def test_the_engine_writes_the_records_that_it_reads(config: str) -> None:
    for _, record in islice(read_records(trace(config)), 0, None, 7):
        rewritten = Game.from_record(record).record()
        assert rewritten["moves"] == record_moves(record)
        assert rewritten["rules"] == record["rules"]
        assert rewritten["result"].items() >= record["result"].items()
        assert Game.from_record(rewritten).record() == rewritten
