"""`ringrift ladder` as a user runs it."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from ringrift.cli import app


def run(*words: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(app, ["ladder", *words])
    return result.exit_code, result.stdout.splitlines()


def test_the_players_of_a_config_are_listed() -> None:
    code, lines = run("hex8_3p")
    assert code == 0
    assert len(lines) == 10
    assert lines[0].split()[:2] + lines[0].split()[-1:] == ["hex8_3p", "1", "random"]


def test_all_configs_are_listed_for_machines() -> None:
    code, lines = run("--json", "--level", "1", "--level", "10")
    assert code == 0
    rows = [json.loads(line) for line in lines]
    assert len({row["config"] for row in rows}) == 12
    assert {row["level"] for row in rows} == {1, 10}


def test_a_measured_level_says_what_it_rests_on() -> None:
    code, (line,) = run("hex8_2p", "--measure", "--level", "5", "--openings", "40", "--json")
    step = json.loads(line)
    assert code == 0
    assert step["stronger"]
    assert step["p"] < 0.01
    code, (line,) = run("hex8_2p", "--measure", "--level", "5", "--openings", "1")
    assert code == 1
    assert "not measurably stronger" in line
