"""Types of what kernels work on: arrays by the type of their elements, and records.

For readers and type checkers alone: numba ignores annotations.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Bool = npt.NDArray[np.bool_]
U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I8 = npt.NDArray[np.int8]
I16 = npt.NDArray[np.int16]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F16 = npt.NDArray[np.float16]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Records = npt.NDArray[np.void]
"""Elements of a structured dtype."""


class Record(Protocol):
    """An element of a structured dtype: its fields are attributes in kernels and items in Python.

    A protocol per dtype names the fields; `tests/kernels/test_types.py` keeps the two alike.
    """

    def __getitem__(self, field: str, /) -> Any:
        """Return a field, in Python."""

    def __setitem__(self, field: str, value: Any, /) -> None:
        """Write a field, in Python."""
