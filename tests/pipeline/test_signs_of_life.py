"""Signs of life say since when the loop runs, and whether it does."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ringrift.pipeline.signs_of_life import FOLDER, SignOfLife, leave_sign, read_sign, with_signs


def write(home: Path, **fields: float) -> None:
    path = home / FOLDER / "airflow.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SignOfLife(**fields).model_dump_json())


def test_while_no_sign_is_missing_the_loop_runs_since_the_first(tmp_path: Path) -> None:
    now = time.time()
    write(tmp_path, since=now - 5000, last=now - 290, every=300)
    leave_sign("airflow", 300, tmp_path)
    sign = read_sign("airflow", tmp_path)
    assert sign is not None
    assert sign.since == pytest.approx(now - 5000)
    assert sign.last >= now


def test_after_a_silence_it_runs_anew(tmp_path: Path) -> None:
    now = time.time()
    write(tmp_path, since=now - 5000, last=now - 700, every=300)
    leave_sign("airflow", 300, tmp_path)
    sign = read_sign("airflow", tmp_path)
    assert sign is not None
    assert sign.since >= now


def test_a_writer_is_alive_until_its_next_sign_is_overdue_by_as_much_again() -> None:
    sign = SignOfLife(since=1000.0, last=2000.0, every=300.0)
    assert sign.alive(2599)
    assert not sign.alive(2601)


@pytest.mark.parametrize("content", [b"", b"\xff", b"{}", b'{"since": 1e99, "last": 0, "every": 1}', b"[" * 20_000])
def test_a_garbled_sign_is_none_and_is_written_anew(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / FOLDER / "airflow.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert read_sign("airflow", tmp_path) is None
    leave_sign("airflow", 300, tmp_path)
    assert read_sign("airflow", tmp_path) is not None


def test_what_cannot_be_written_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    leave_sign("airflow", 300, tmp_path)
    assert "cannot be written" in caplog.text


def test_progress_leaves_signs_now_and_then_and_goes_on(tmp_path: Path) -> None:
    told: list[float] = []
    left: list[bool] = []
    progress = with_signs(lambda work, done, total, detail="": told.append(done), lambda: left.append(True))
    for done in range(100):
        progress("games", done, 100)
    assert told == list(range(100))
    assert left == [True]
