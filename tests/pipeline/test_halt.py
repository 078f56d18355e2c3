"""The emergency halt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringrift.cli import app
from ringrift.pipeline.halt import FILE, NoLoop, halt, halted, resume


def test_a_halt_says_why_until_it_is_resumed(tmp_path: Path) -> None:
    assert halted(tmp_path) is None
    said = halt("the fan is broken", tmp_path)
    assert said.startswith("halted since ")
    assert said.endswith("the fan is broken; `ringrift resume` ends it")
    assert halted(tmp_path) == said
    was = resume(tmp_path)
    assert was is not None
    assert said == f"{was}; `ringrift resume` ends it", "advice that nobody needs any more"
    assert halted(tmp_path) is None
    assert resume(tmp_path) is None


def test_the_first_halt_stays(tmp_path: Path) -> None:
    first = halt("one", tmp_path)
    assert halt("two", tmp_path) == first


@pytest.mark.parametrize("content", [b"", b"{", b'{"reason": 3}', b"\xff"])
def test_a_file_that_cannot_be_read_halts_too_and_can_be_resumed(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_bytes(content)
    said = halted(tmp_path)
    assert said is not None
    assert "cannot be read" in said
    assert halt("again", tmp_path) == said
    resume(tmp_path)
    assert halted(tmp_path) is None


def test_the_commands_halt_and_resume_the_working_folder_and_name_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RINGRIFT_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    runner = CliRunner()
    said = runner.invoke(app, ["halt", "--reason", "no power"]).stdout
    assert said.startswith(f"{tmp_path / FILE}: halted since ")
    assert "no power" in said
    assert "no power" in (halted() or "")
    answer = json.loads(runner.invoke(app, ["resume", "--json"]).stdout)
    assert "no power" in answer["was"]
    assert answer["file"] == str(tmp_path / FILE)
    assert halted() is None
    runner.invoke(app, ["halt", "--reason", "no power"])
    told = runner.invoke(app, ["resume"]).stdout
    assert told.startswith(f"{tmp_path / FILE}: resumed; it was halted since ")
    assert told.endswith(": no power\n")
    assert runner.invoke(app, ["resume"]).stdout == f"{tmp_path / FILE}: not halted\n"


def test_the_commands_mean_the_loop_of_ringrift_home_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    (home / "data").mkdir(parents=True)
    elsewhere.mkdir()
    monkeypatch.setenv("RINGRIFT_HOME", str(home))
    monkeypatch.chdir(elsewhere)
    runner = CliRunner()
    assert str(home / FILE) in runner.invoke(app, ["halt"]).stdout
    assert halted() == halted(home) is not None, "what a loop of this environment sees"
    assert not (elsewhere / "data").exists()
    runner.invoke(app, ["resume"])
    assert halted(home) is None


@pytest.mark.parametrize("command", ["halt", "resume", "status"])
def test_in_a_folder_without_a_loop_the_commands_refuse(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RINGRIFT_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, [command])
    assert answer.exit_code != 0
    assert isinstance(answer.exception, NoLoop)
    said = f"{tmp_path}: no loop works here; this is the working folder, which has no data/."
    assert str(answer.exception).startswith(said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["halt", "resume"])
@pytest.mark.parametrize(("folder", "why"), [("none", "which does not exist"), ("empty", "which has no data/")])
def test_a_ringrift_home_in_which_no_loop_works_is_refused_and_not_made(
    command: str, folder: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.setenv("RINGRIFT_HOME", str(tmp_path / folder))
    answer = CliRunner().invoke(app, [command])
    assert isinstance(answer.exception, NoLoop)
    assert f"RINGRIFT_HOME names this folder, {why}." in str(answer.exception)
    assert [path.name for path in tmp_path.rglob("*")] == ["empty"]


def test_a_tilde_in_ringrift_home_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ringrift" / "data").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RINGRIFT_HOME", "~/ringrift")
    assert CliRunner().invoke(app, ["halt"]).stdout.startswith(str(tmp_path / "ringrift" / FILE))
    assert halted() is not None
    assert [path.name for path in tmp_path.iterdir()] == ["ringrift"]
