"""Files of weights that say what they are and carry their own checksum.

    magic      6 bytes, then the version as two digits
    length     4 bytes, little-endian: of the description
    description   JSON: config, the version of RingRift that wrote it, whatever its maker wants to keep
    weights    numbers, as the kind of file has them
    checksum   32 bytes: SHA-256 of all before

Nothing is unpickled, and every length is known before it is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from ringrift.bounded import read_bounded
from ringrift.errors import RingRiftError
from ringrift.game.boards import parse_config
from ringrift.strict_json import BadJson, parse_json

CHECKSUM_BYTES: Final = 32
ID_DIGITS: Final = 16
LENGTH_BYTES: Final = 4


class WeightsFile(NamedTuple):
    """The parts of a file of weights."""

    description: dict[str, Any]
    weights: bytes
    id: str
    """16 hexadecimal digits of the file's checksum."""


@dataclass(frozen=True)
class WeightsFormat:
    """A kind of file of weights."""

    magic: bytes
    version: int
    largest: int
    """Bytes of a file at most."""
    noun: str
    """The name of the kind in errors, such as `integer network`."""
    error: type[RingRiftError]
    """The error of a file that is not there, damaged or of another kind or version."""
    maker: str = ""
    """The advice for a file that is not there."""

    def pack(self, description: Mapping[str, Any], weights: bytes) -> tuple[bytes, str]:
        """Return the content of a file and its id. `description` must be JSON."""
        text = orjson.dumps(dict(description), option=orjson.OPT_SORT_KEYS)
        content = self._head() + len(text).to_bytes(LENGTH_BYTES, "little") + text + weights
        checksum = hashlib.sha256(content).digest()
        return content + checksum, checksum.hex()[:ID_DIGITS]

    def read(self, path: Path) -> WeightsFile:
        """Read a file, verified; its description names a config that there is."""
        content = self._verified(path)
        begin = len(self._head()) + LENGTH_BYTES
        end = begin + int.from_bytes(content[begin - LENGTH_BYTES : begin], "little")
        try:
            description = parse_json(content[begin:end])
        except BadJson as error:
            raise self.error(f"{path}: its description is no JSON ({error})") from None
        if not isinstance(description, dict) or not isinstance(description.get("config"), str):
            raise self.error(f"{path}: does not say for which config it is")
        parse_config(description["config"])
        return WeightsFile(description, content[end:-CHECKSUM_BYTES], _id_of(content))

    def read_id(self, path: Path) -> str:
        """Read the id of a file, verified."""
        return _id_of(self._verified(path))

    def _head(self) -> bytes:
        return self.magic + b"%02d" % self.version

    def _verified(self, path: Path) -> bytes:
        """Return the bytes of a file whose version is ours and whose checksum is right."""
        try:
            content = read_bounded(path, self.largest)
        except FileNotFoundError:
            raise self.error(f"{path}: no such file{self.maker}") from None
        except OSError as error:
            raise self.error(f"{path}: cannot be read ({error.strerror or error})") from None
        if not content.startswith(self.magic):
            raise self.error(f"{path}: is no {self.noun} that RingRift wrote")
        version = content[len(self.magic) : len(self._head())]
        if version != b"%02d" % self.version:
            readable = version.decode("ascii", "replace")
            raise self.error(f"{path}: is of version {readable!r}, this RingRift reads {self.version}: train it anew")
        if hashlib.sha256(content[:-CHECKSUM_BYTES]).digest() != content[-CHECKSUM_BYTES:]:
            raise self.error(f"{path}: is cut off or altered, its checksum is wrong: copy it again")
        return content


def _id_of(content: bytes) -> str:
    return content[-CHECKSUM_BYTES:].hex()[:ID_DIGITS]
