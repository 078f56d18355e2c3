"""Actions, search statistics and lines in few bytes: grouped by byte, then compressed by Zstandard.

The first bytes of all numbers, then the second ones, … compress better than the numbers as they are: a game of square8
takes 2.5 bytes an action, and search statistics a fifth less. Every block carries a checksum.
"""

from __future__ import annotations

import struct
import threading
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
import zstandard

from ringrift.errors import RingRiftError
from ringrift.selfplay import SearchStatistics
from ringrift.selfplay.record import SEARCH_FIELDS, SURPRISE_FIELD

LEVEL: Final = 3
"""zstd's own default: levels up to 9 make search statistics 1 % smaller and take four times as long; zlib needs five
times as long for the same size (500 random games of square8 with made-up policies)."""

LARGEST: Final = 1_000_000_000
"""Bytes of anything that was packed; a line of a game may have a tenth."""
_SEARCH_HEAD: Final = struct.Struct("<III")  # decisions, entries, players

_own = threading.local()


class Damaged(RingRiftError):
    """Stored bytes that cannot be unpacked."""


def pack(data: bytes) -> bytes:
    """Compress some bytes."""
    if not hasattr(_own, "compressor"):  # a compressor is for one thread
        _own.compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    packed: bytes = _own.compressor.compress(data)
    return packed


def unpack(packed: bytes) -> bytes:
    """Return the bytes that were packed; `Damaged` if they cannot be unpacked."""
    if not hasattr(_own, "decompressor"):
        _own.decompressor = zstandard.ZstdDecompressor()
    try:
        if zstandard.frame_content_size(packed) > LARGEST:
            raise Damaged(f"the packed bytes would unpack to more than {LARGEST / 1e6:,.0f} MB")
        data: bytes = _own.decompressor.decompress(packed)
    except zstandard.ZstdError as error:
        raise Damaged(f"the packed bytes are damaged ({error})") from None
    return data


def pack_actions(actions: npt.NDArray[np.int32]) -> bytes:
    """Pack the actions of a game, `[actions]`."""
    return pack(_grouped(actions, "<i4"))


def unpack_actions(packed: bytes) -> npt.NDArray[np.int32]:
    """Return the actions of a game, `[actions]`; `Damaged` if they cannot be unpacked."""
    data = unpack(packed)
    if len(data) % 4:
        raise Damaged(f"{len(data)} bytes are no whole number of actions")
    return _ungrouped(data, "<i4").astype(np.int32)


def pack_search(search: SearchStatistics) -> bytes:
    """Pack the search statistics of a game."""
    decisions, players = search.root_values.shape
    head = _SEARCH_HEAD.pack(decisions, len(search.policy_actions), players)
    return pack(head + b"".join(_grouped(getattr(search, name), form) for name, form in search.kept))


def unpack_search(packed: bytes) -> SearchStatistics:
    """Return the search statistics of a game; `Damaged` if they cannot be unpacked."""
    data = unpack(packed)
    if len(data) < _SEARCH_HEAD.size:
        raise Damaged("the search statistics lack their head")
    decisions, entries, players = _SEARCH_HEAD.unpack_from(data)
    lengths = {"root_values": decisions * players, "policy_actions": entries, "policy_probs": entries}
    arrays = {}
    start = _SEARCH_HEAD.size
    for name, form in (*SEARCH_FIELDS, SURPRISE_FIELD):
        if (name, form) == SURPRISE_FIELD and start == len(data):
            break  # nothing is known of it
        end = start + lengths.get(name, decisions) * np.dtype(form).itemsize
        arrays[name] = _ungrouped(data[start:end], form)
        start = end
    if start != len(data):
        raise Damaged(f"the search statistics are {len(data)} bytes, not {start}")
    arrays["root_values"] = arrays["root_values"].reshape(decisions, players)
    return SearchStatistics(**arrays)


def pack_json(fields: dict[str, Any]) -> bytes:
    """Pack further fields of a record."""
    return pack(orjson.dumps(fields))


def unpack_json(packed: bytes) -> dict[str, Any]:
    """Return further fields of a record."""
    fields: dict[str, Any] = orjson.loads(unpack(packed))
    return fields


def _grouped(numbers: npt.NDArray[Any], form: str) -> bytes:
    """Return the first bytes of all numbers, then the second ones, …"""
    plain = np.ascontiguousarray(numbers, form).reshape(-1)
    return plain.view(np.uint8).reshape(-1, plain.itemsize).T.tobytes()


def _ungrouped(data: bytes, form: str) -> npt.NDArray[Any]:
    grouped = np.frombuffer(data, np.uint8).reshape(np.dtype(form).itemsize, -1)
    return np.ascontiguousarray(grouped.T).view(form).reshape(-1)
