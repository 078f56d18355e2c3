"""What an iteration has come to: its stages, the first thing that stood in the way, and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ringrift_airflow.local.narration import StageTimes
from ringrift_airflow.local.outcome import first_cause, result_line, summary, what_next

CHAIN = ("selfplay", "sync", "ingest", "threshold", "export", "check", "train", "gauntlet", "rate", "gate", "promote")
LOST = {"passed": False, "gauntlet": {"opponents": [{"role": "heuristic", "score": 0.1}]}}


def stages(**states: str) -> list[StageTimes]:
    return [StageTimes(name, (states.get(name, "success"),), 0.0, 61.0) for name in CHAIN]


def cause(results: dict[str, Any], **states: str) -> str | None:
    return first_cause(stages(**states), lambda stage: f"words of {stage}", results.get)


def test_there_is_no_cause_where_a_model_was_promoted() -> None:
    assert cause({"gauntlet": {"passed": True}}) is None
    assert cause({"gauntlet": {"passed": True}}, rate="skipped", sync="skipped") is None


def test_a_lost_gauntlet_comes_before_the_gate_that_it_closes() -> None:
    said = cause({"gauntlet": LOST}, gate="skipped", promote="skipped")
    assert said == "No new champion: gauntlet: words of gauntlet"


def test_a_stage_that_failed_or_was_skipped_comes_before_those_that_it_stopped() -> None:
    assert cause({}, train="failed", gate="upstream_failed") == "No new champion: train has failed: words of train"
    assert cause({}, threshold="skipped", gate="skipped") == "No new champion: threshold: words of threshold"
    assert cause({}, gate="skipped", promote="skipped") == "No new champion: gate: words of gate"


def test_the_summary_has_a_line_a_stage_with_its_time_by_the_clock() -> None:
    lines = summary(
        stages(promote="upstream_failed"), lambda stage: f"words of {stage}", lambda stage: None, seconds=70
    )
    _, head, *rows = lines.splitlines()
    assert head == "One iteration in 1 min 10 s"
    assert rows[0] == "  selfplay    success       1 min 01 s  words of selfplay"
    assert rows[-1].startswith("  promote     not reached")


@pytest.mark.parametrize(
    ("stage", "results", "said"),
    [
        ("selfplay", [{"games": 500}, {"games": 500}, None], "1,000 games"),
        ("ingest", [{"games": 1000}], "1,000 new games in the database"),
        ("export", [{"samples": 40000, "games": 950}], "40,000 positions of 950 games"),
        ("gauntlet", [LOST], "not passed: 10% against heuristic"),
        (
            "rate",
            [{"ratings": [{"player": "gumbel@32", "elo": 880.2, "low": 747.0, "high": 1013.0}]}],
            "880 Elo as gumbel@32 (747 … 1,013)",
        ),
        ("gate", [{"why": "passed"}], "passed"),
        ("promote", [{"outcome": "promoted"}], "promoted"),
        ("train", [None], ""),
        ("approve", [{"chosen_options": ["Reject"], "responded_by_user": None}], "Reject, by timeout"),
        ("something new", ["words"], "words"),
    ],
)
def test_what_a_stage_returns_is_told_in_words(stage: str, results: list[Any], said: str) -> None:
    assert result_line(stage, results) == said


def test_a_newcomer_is_told_how_to_play_the_champion_and_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program = str(tmp_path / ".venv" / "bin" / "ringrift")
    words = what_next("square8_2p", "quick", tmp_path, program, model="0123456789abcdef")
    play = ".venv/bin/ringrift play square8_2p --against gumbel:models/ringrift_best_square8_2p.pth@32"
    assert f"Play it:    {play}" in words
    assert "data/selfplay/square8_2p; " in words
    assert "`make loop` again" in words
    assert "ringrift web; then play it in a browser" in words
    assert "Play it" not in what_next("square8_2p", "quick", tmp_path, "ringrift", model=None)
    other = what_next("hex8_2p", "laptop", tmp_path, "ringrift", model=None)
    assert "`make loop PRESET=laptop CONFIG=hex8_2p` again" in other


def test_a_newcomer_hears_of_the_stronger_champion_of_the_package_where_the_loop_began_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stronger = "Stronger:   ringrift play square8_2p --against 'gumbel:{shipped}@32'"
    assert stronger in what_next("square8_2p", "quick", tmp_path, "ringrift", model="0123456789abcdef")
    assert "Stronger" not in what_next("square8_2p", "laptop", tmp_path, "ringrift", model="0123456789abcdef")
    monkeypatch.setattr("ringrift.agents.champion.SHIPPED", tmp_path)
    assert "Stronger" not in what_next("square8_2p", "quick", tmp_path, "ringrift", model="0123456789abcdef")
