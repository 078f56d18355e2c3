"""The emergency halt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringrift.cli import app
from ringrift.pipeline.halt import FILE, halt, halted, resume


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


def test_the_commands_halt_and_resume_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    assert "no power" in runner.invoke(app, ["halt", "--reason", "no power"]).stdout
    assert "no power" in (halted() or "")
    assert "no power" in json.loads(runner.invoke(app, ["resume", "--json"]).stdout)["was"]
    assert halted() is None
    runner.invoke(app, ["halt", "--reason", "no power"])
    told = runner.invoke(app, ["resume"]).stdout
    assert told.startswith("resumed; it was halted since ")
    assert told.endswith(": no power\n")
    assert runner.invoke(app, ["resume"]).stdout == "not halted\n"
