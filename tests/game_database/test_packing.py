"""What is packed comes back as it was, and damage is noticed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ringrift.game_database.packing import (
    Damaged,
    pack,
    pack_actions,
    pack_json,
    pack_search,
    unpack,
    unpack_actions,
    unpack_json,
    unpack_search,
)
from ringrift.selfplay import SearchStatistics
from tests.game_database.records import random_records

exactly = settings(derandomize=True, max_examples=50)


@exactly
@given(arrays(np.int32, st.integers(0, 300)))
def test_actions_come_back(actions: np.ndarray) -> None:
    found = unpack_actions(pack_actions(actions))
    assert found.dtype == np.int32
    assert found.tolist() == actions.tolist()


@exactly
@given(st.integers(2, 4), st.data())
def test_search_statistics_come_back(players: int, data: st.DataObject) -> None:
    counts = data.draw(arrays(np.uint16, st.integers(0, 9), elements=st.integers(0, 5)))
    decisions, entries = len(counts), int(counts.sum())
    search = SearchStatistics(
        action_index=data.draw(arrays(np.int32, decisions)),
        has_policy=data.draw(arrays(np.uint8, decisions)),
        root_values=data.draw(arrays(np.int16, (decisions, players))),
        policy_lengths=counts,
        policy_actions=data.draw(arrays(np.int32, entries)),
        policy_probs=data.draw(arrays(np.uint16, entries)),
        surprise=data.draw(st.none() if decisions == 0 else st.none() | arrays(np.float16, decisions)),
    )
    found = unpack_search(pack_search(search))
    assert found.to_json() == search.to_json()
    assert found.root_values.shape == search.root_values.shape


def test_further_fields_come_back() -> None:
    fields = {"a": [1, None, "é"], "b": {"c": 0.1}}
    assert unpack_json(pack_json(fields)) == fields


def test_a_flipped_bit_never_gives_other_actions() -> None:
    actions = random_records(count=1)[0].actions
    packed = pack_actions(actions)
    noticed = 0
    for place in range(len(packed)):
        try:
            found = unpack_actions(packed[:place] + bytes([packed[place] ^ 16]) + packed[place + 1 :])
        except Damaged:
            noticed += 1
        else:
            assert found.tolist() == actions.tolist()
    assert noticed > len(packed) - 5, "some bits of the head mean nothing"


@pytest.mark.parametrize("data", [b"", b"123", bytes(12) + b"x", b"\x01" + bytes(11)])
def test_search_statistics_of_a_wrong_length_are_damaged(data: bytes) -> None:
    with pytest.raises(Damaged):
        unpack_search(pack(data))


def test_bytes_that_are_no_whole_actions_are_damaged() -> None:
    assert unpack(pack(b"12345")) == b"12345"
    with pytest.raises(Damaged, match="5 bytes are no whole number of actions"):
        unpack_actions(pack(b"12345"))
