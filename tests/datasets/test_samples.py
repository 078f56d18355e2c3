"""A game that the rules do not allow is one line, not a sample."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ringrift.datasets import export
from ringrift.datasets.samples import BrokenGame
from ringrift.game_database.packing import Damaged, pack_actions, pack_search
from ringrift.game_database.schema import games, moves
from tests.contexts import export_context
from tests.datasets.games import files, fill, searched_records

RECORD = searched_records(count=12, seed=9)[0]


def illegal_action() -> dict[str, bytes]:
    actions = RECORD.actions.copy()
    actions[20] = actions[0]
    return {"actions": pack_actions(actions)}


def illegal_policy() -> dict[str, bytes]:
    assert RECORD.search
    actions = np.full_like(RECORD.search.policy_actions, 10**6)
    return {"search": pack_search(replace(RECORD.search, policy_actions=actions))}


@pytest.mark.parametrize(
    ("stored", "error", "complaint"),
    [
        (illegal_action(), BrokenGame, "an action is not legal"),
        (illegal_policy(), BrokenGame, "a policy has an action that is not legal"),
        ({"actions": b"nonsense"}, Damaged, "the packed bytes are damaged"),
    ],
    ids=["an illegal action", "an illegal policy", "damaged bytes"],
)
def test_a_damaged_game_is_one_line(
    tmp_path: Path, stored: dict[str, bytes], error: type[Exception], complaint: str
) -> None:
    with fill(tmp_path / "games.db", searched_records(count=12, seed=9)) as database:
        with database.writing() as connection:
            game = games.c.id == moves.c.game_id
            named = games.c.identity == bytes.fromhex(RECORD.identity)
            connection.execute(moves.update().where(game, named).values(**stored))
        with pytest.raises(error, match=f"game {RECORD.identity}: .*{complaint}.*; `ringrift games check`"):
            export(database, "square8_2p", export_context(), folder=tmp_path)
    assert not files(tmp_path)
