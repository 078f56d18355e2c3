"""A worker's files: what is kept stays kept, whatever happens to the process."""

from __future__ import annotations

import gzip
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ringrift.errors import UnwritableFile
from ringrift.selfplay import BusyFolder, DamagedFile, GameFiles, count_games, game_files, read_lines
from ringrift.selfplay.files import compress, game_numbers, games_in_file

LARGE = 1 << 20


def line(game: int, run: str = "run", size: int = 0) -> bytes:
    return f'{{"run":"{run}","game":{game},"more":"{"x" * size}"}}\n'.encode()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


class Killed(Exception):
    """Stands for the end of a process: files are left as they are."""


def leave_plain(folder: Path, *games: int) -> None:
    """Write games and end as a killed process does."""
    with pytest.raises(Killed), GameFiles(folder, "run", limit=LARGE) as files:
        for game in games:
            files.append(line(game))
        raise Killed


def test_games_are_found_again_and_a_closed_file_is_compressed(tmp_path: Path) -> None:
    with GameFiles(tmp_path, "run", limit=LARGE) as files:
        assert files.games == set()
        files.append(line(0))
        files.append(line(7))
        assert names(tmp_path) == ["run-000001.jsonl"]
        assert (tmp_path / "run-000001.jsonl").read_bytes() == line(0) + line(7), "no buffer stands in between"
    assert names(tmp_path) == ["run-000001.jsonl.gz"]
    assert gzip.decompress((tmp_path / "run-000001.jsonl.gz").read_bytes()) == line(0) + line(7)
    with GameFiles(tmp_path, "run", limit=LARGE) as files:
        assert files.games == {0, 7}
        files.append(line(1))
    assert names(tmp_path) == ["run-000001.jsonl.gz", "run-000002.jsonl.gz"]


def test_a_file_that_is_large_enough_makes_room_for_the_next(tmp_path: Path) -> None:
    with GameFiles(tmp_path, "run", limit=2 * len(line(0, size=50))) as files:
        for game in range(5):
            files.append(line(game, size=50))
        assert names(tmp_path) == ["run-000001.jsonl.gz", "run-000002.jsonl.gz", "run-000003.jsonl"]
    kept = [whole for path in sorted(tmp_path.glob("*.gz")) for whole in read_lines(path)]
    assert kept == [line(game, size=50) for game in range(5)]


def test_a_file_that_was_growing_grows_on_and_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    leave_plain(tmp_path, 0, 1)
    path = tmp_path / "run-000001.jsonl"
    with path.open("ab") as file:
        file.write(line(2)[:-5])
    with GameFiles(tmp_path, "run", limit=LARGE) as files:
        assert files.games == {0, 1}
        files.append(line(2))
        assert path.read_bytes() == line(0) + line(1) + line(2)


def test_a_file_of_nothing_but_a_torn_line_is_empty(tmp_path: Path) -> None:
    (tmp_path / "run-000001.jsonl").write_bytes(line(0)[:-1])
    with GameFiles(tmp_path, "run", limit=LARGE) as files:
        assert files.games == set()
        assert (tmp_path / "run-000001.jsonl").read_bytes() == b""


def test_no_game_is_doubled_or_lost_when_the_process_ends_while_it_compresses(tmp_path: Path) -> None:
    leave_plain(tmp_path, 0, 1)
    plain = tmp_path / "run-000001.jsonl"
    content = plain.read_bytes()
    compress(plain)
    plain.write_bytes(content)  # killed before the plain file was removed
    (tmp_path / ".run-000002.jsonl.gz.17.partial").write_bytes(b"half")  # killed before the next was whole
    assert count_games(tmp_path) == 2
    with GameFiles(tmp_path, "run", limit=LARGE) as files:
        assert files.games == {0, 1}
    assert names(tmp_path) == ["run-000001.jsonl.gz"]


def test_lines_of_other_runs_and_what_is_no_record_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "run-000001.jsonl").write_bytes(line(0) + b"\0\0\0\n[]\n" + line(1, run="other") + line(2))
    (tmp_path / "run-2-000001.jsonl").write_bytes(line(5, run="run-2"))
    with GameFiles(tmp_path, "run", limit=LARGE) as files:
        assert files.games == {0, 2}


def test_a_file_that_is_fetched_and_removed_while_a_worker_starts_is_known_by_its_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for games in ((0, 1), (2,)):
        with GameFiles(tmp_path, "run", limit=LARGE) as files:
            for game in games:
                files.append(line(game))
    first, second = sorted(tmp_path.glob("*.jsonl.gz"))
    read = game_numbers

    def prune_and_read(path: Path, run: str) -> Iterator[int]:
        if path == first:
            second.with_suffix("").with_suffix(".taken").write_text("[2]")
            second.unlink()
        yield from read(path, run)

    monkeypatch.setattr("ringrift.selfplay.files.game_numbers", prune_and_read)
    with GameFiles(tmp_path, "run", limit=LARGE) as files:
        assert files.games == {0, 1, 2}


def test_two_processes_cannot_write_the_same_files(tmp_path: Path) -> None:
    with (
        GameFiles(tmp_path, "run", limit=LARGE),
        pytest.raises(BusyFolder, match=r"another process plays there; give this one a --worker of its own"),
    ):
        GameFiles(tmp_path, "run", limit=LARGE)
    GameFiles(tmp_path, "run", limit=LARGE).__exit__(None, None, None)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritableFile, match=r"file/square8_2p: cannot be written \(Not a directory\)"):
        GameFiles(tmp_path / "file" / "square8_2p", "run", limit=LARGE)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run-000001.jsonl.gz"
    path.write_bytes(gzip.compress(line(0))[:-9])
    with pytest.raises(DamagedFile, match=r"run-000001\.jsonl\.gz: cannot be read .* move it away"):
        GameFiles(tmp_path, "run", limit=LARGE)
    path.unlink()
    GameFiles(tmp_path, "run", limit=LARGE).__exit__(None, None, None)  # the lock has been given back


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """As on a disk that is nearly full: what is too much is written in part, and then refused."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_in_one_line_and_costs_no_complete_game(tmp_path: Path) -> None:
    with (
        files_of_at_most(250),
        pytest.raises(UnwritableFile, match=r"run-000001\.jsonl: cannot be written \(File too large\)"),
        GameFiles(tmp_path, "run", limit=LARGE) as files,
    ):
        for game in range(10):
            files.append(line(game, size=50))
    whole = 250 // len(line(0, size=50))
    assert (tmp_path / "run-000001.jsonl").read_bytes() == b"".join(line(game, size=50) for game in range(whole))
    with GameFiles(tmp_path, "run", limit=LARGE) as files:
        assert files.games == set(range(whole))


def test_games_in_file_all_hosts_and_workers_are_counted(tmp_path: Path) -> None:
    for host, worker, games in (("a", "0", 3), ("a", "1", 2), ("b", "0", 4)):
        with GameFiles(tmp_path / host / worker, "run", limit=150) as files:
            for game in range(games):
                files.append(line(game, size=50))
    leave_plain(tmp_path / "c" / "0", 0, 1)
    assert count_games(tmp_path) == 11
    assert count_games(tmp_path / "nowhere") == 0


def test_a_file_that_is_compressed_while_games_are_counted_is_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_plain(tmp_path, 0, 1, 2)
    found = game_files(tmp_path)
    compress(found[0])
    monkeypatch.setattr("ringrift.selfplay.files.game_files", lambda _: found)
    assert count_games(tmp_path) == 3


def test_a_compressed_file_says_how_many_games_it_holds_and_one_that_does_not_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "run-000001.jsonl"
    path.write_bytes(line(0) + line(1))
    assert games_in_file(path) == 2
    compress(path)
    packed = tmp_path / "run-000001.jsonl.gz"
    content = packed.read_bytes()
    assert gzip.decompress(content) == line(0) + line(1)
    packed.write_bytes(content[:-9])
    assert games_in_file(packed) == 2, "nothing is unpacked"
    packed.write_bytes(gzip.compress(line(0)))
    assert games_in_file(packed) == 1
    packed.write_bytes(gzip.compress(line(0))[:-9])
    with pytest.raises(DamagedFile):
        games_in_file(packed)


def test_what_is_hidden_is_on_its_way_and_no_file_of_games_yet(tmp_path: Path) -> None:
    shown = tmp_path / ".data" / "a" / "run-000001.jsonl"
    for path in (shown, shown.parent / ".incoming" / "run-000002.jsonl", shown.parent / ".run-000003.jsonl"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(line(0))
    assert game_files(tmp_path / ".data") == [shown]
