from __future__ import annotations

import os
from pathlib import Path

import pytest

from ringrift.errors import RingRiftError, UnwritableFile
from ringrift.files import alone, new_file, take_lock

BUSY = RingRiftError("somebody else is there")


def test_only_one_holds_a_lock_and_the_next_gets_it_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "new" / ".lock"
    with alone(path, path.parent, BUSY), pytest.raises(RingRiftError, match="somebody else is there"):
        take_lock(path, path.parent, BUSY)
    os.close(take_lock(path, path.parent, BUSY))


def test_what_goes_wrong_inside_is_not_taken_for_a_lock(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError), alone(tmp_path / ".lock", tmp_path, BUSY):
        raise BlockingIOError


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "folder"
    with pytest.raises(UnwritableFile, match=r"file/folder: cannot be written \(.*\)"):
        take_lock(place / ".lock", place, BUSY)


def test_what_a_killed_writer_has_left_is_removed_a_day_later(tmp_path: Path) -> None:
    old, young = tmp_path / ".a.json.17.partial", tmp_path / ".b.json.18.partial"
    old.touch()
    young.touch()
    os.utime(old, (0, 0))
    with new_file(tmp_path / "c.json") as file:
        file.write(b"{}")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".b.json.18.partial", "c.json"]
