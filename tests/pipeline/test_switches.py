"""Loops that differ by a switch, side by side: what each gained for its processor time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ringrift.pipeline.curve import Curve, NoCurve, Point
from ringrift.pipeline.switches import THIS, BadSwitch, SwitchCurves, parse_switches, switch_curves

CONFIG = "square8_2p"


def a_curve(*elo: float, form: str = "policy", heuristic: float = 400.0) -> Curve:
    """A loop with a model an iteration, each after half an hour more."""
    points = tuple(
        Point(
            model=f"{number:016x}",
            created=number,
            games=100 * number,
            iteration=number,
            cpu_hours=number / 2,
            hours=number,
            elo={form: (one, one - 50, one + 50)},
            promoted=True,
        )
        for number, one in enumerate(elo)
    )
    return Curve(CONFIG, points, {"random": 0.0, "heuristic": heuristic}, ())


def test_every_loop_is_a_line_over_processor_time(tmp_path: Path) -> None:
    curves = SwitchCurves(CONFIG, {THIS: a_curve(300, 350), "reanalysis": a_curve(310, 420, heuristic=415.0)})
    assert curves.form == "policy"
    assert [(point.elo["policy"][0], hours) for point, hours in curves.points("reanalysis")] == [(310, 0.0), (420, 0.5)]
    assert curves.anchors_apart == 15
    assert set(curves.to_json()["curves"]) == {THIS, "reanalysis"}
    curves.draw(tmp_path / "switches.png")
    assert (tmp_path / "switches.png").read_bytes().startswith(b"\x89PNG")


def test_loops_whose_models_are_rated_in_other_ways_cannot_be_compared(tmp_path: Path) -> None:
    curves = SwitchCurves(CONFIG, {THIS: a_curve(300), "league": a_curve(300, form="gumbel@32")})
    with pytest.raises(NoCurve, match="no way of playing is rated in every loop"):
        curves.draw(tmp_path / "switches.png")
    assert not (tmp_path / "switches.png").exists()


def test_models_of_unknown_cost_are_named(tmp_path: Path) -> None:
    known = a_curve(300)
    unknown = replace(known, points=tuple(replace(point, cpu_hours=None) for point in known.points))
    with pytest.raises(NoCurve, match="league: processor time is known of models of `ringrift loop` alone"):
        SwitchCurves(CONFIG, {THIS: known, "league": unknown}).draw(tmp_path / "switches.png")


@pytest.mark.parametrize("texts", [["league"], ["=folder"], ["league="], ["a=x", "a=y"], [f"{THIS}=x"]])
def test_a_loop_needs_a_name_and_a_folder(texts: list[str]) -> None:
    with pytest.raises(BadSwitch, match="the form is NAME=FOLDER"):
        parse_switches(texts)


def test_a_folder_without_a_loop_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSwitch, match=r"holds no loop: there is no data/games/ringrift\.db"):
        switch_curves(a_curve(300), parse_switches([f"league={tmp_path}"]))
