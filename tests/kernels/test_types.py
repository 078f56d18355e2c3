"""The protocols that name the fields of records, beside the dtypes that have them."""

from __future__ import annotations

from typing import Any, get_type_hints

import numpy as np
import pytest

from ringrift.benchmarks import connect_four
from ringrift.game import get_board
from ringrift.game.state import state_type, workspace_type
from ringrift.game.types import BoardTables, State, Words, Workspace
from ringrift.heuristic.features import Scratch, scratch_type
from ringrift.kernels import types
from ringrift.nnue.layout import Accumulators, Network, accumulators_type, network_type
from ringrift.search import alpha_beta, descent, search_stack

BOARD = get_board("hex8")
RECORDS = {
    State: state_type(BOARD),
    BoardTables: BOARD.tables_type,
    Workspace: workspace_type(BOARD),
    Scratch: scratch_type(BOARD),
    Network: network_type(BOARD),
    Accumulators: accumulators_type(BOARD, 2),
    search_stack.SearchStack: search_stack.search_stack_type(BOARD),
    alpha_beta.AlphaBetaEntry: alpha_beta.TT_ENTRY_TYPE,
    descent.DescentEdge: descent.EDGE_TYPE,
}
ELEMENTS = {alias: np.dtype(name) for name, alias in {
    "bool": types.Bool, "u1": types.U8, "u8": types.U64, "i1": types.I8, "i2": types.I16, "i4": types.I32,
    "i8": types.I64, "f4": types.F32, "f8": types.F64,
}.items()}  # fmt: skip


@pytest.mark.parametrize("protocol", RECORDS)
def test_a_protocol_has_the_fields_of_its_dtype(protocol: type[types.Record]) -> None:
    dtype, fields = RECORDS[protocol], get_type_hints(protocol)
    assert set(fields) == set(dtype.names or ())
    for name, annotation in fields.items():
        assert kind(annotation) == field_kind(dtype[name]), name


def test_a_game_of_its_own_has_its_fields() -> None:
    fields = set(get_type_hints(connect_four.ConnectFourState))
    assert fields == set(connect_four.STATE_TYPE.names or ()) - {connect_four.FIELD}


def kind(annotation: Any) -> Any:
    """A scalar's kind, or the type of an array's elements."""
    if annotation == Words:
        return np.dtype(BOARD.word_type)
    return {int: "iu", bool: "b"}.get(annotation) or ELEMENTS[annotation]


def field_kind(field: np.dtype[Any]) -> Any:
    if field.subdtype is not None:
        return field.base
    return "b" if field.kind == "b" else "iu"
