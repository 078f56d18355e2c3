"""The checksum of a model's file is that of its content, and a file that stays as it is is read once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ringrift.models import files
from ringrift.models.files import checksum_of


def test_a_file_is_read_again_only_when_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []

    def checksum(content: bytes) -> str:
        read.append(content)
        return hashlib.sha256(content).hexdigest()

    monkeypatch.setattr(files, "checksum", checksum)
    path = tmp_path / "a.pth"
    assert checksum_of(path) is None
    path.write_bytes(b"one")
    assert checksum_of(path) == checksum_of(path) == hashlib.sha256(b"one").hexdigest()
    assert read == [b"one"] * 2, "it has changed just now: its times may be those of another change"
    monkeypatch.setattr(files, "SETTLED_SECONDS", 0.0)
    assert checksum_of(path) == checksum_of(path)
    assert read == [b"one"] * 3
    path.write_bytes(b"other")
    assert checksum_of(path) == hashlib.sha256(b"other").hexdigest()
    path.unlink()
    assert checksum_of(path) is None
