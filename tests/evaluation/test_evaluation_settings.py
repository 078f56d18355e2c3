"""The settings of evaluation hold together."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringrift.agents import Spec, make_agent
from ringrift.agents.ladder import LEVELS, ladder_spec
from ringrift.agents.spec import SHIPPED_CHAMPION, SHIPPED_NNUE
from ringrift.evaluation.settings import evaluation_settings
from ringrift.game import configs, parse_config
from ringrift.settings import DEFAULTS, BadSettings


def test_all_players_of_the_file_can_be_made_and_random_is_the_first_anchor() -> None:
    settings = evaluation_settings()
    for board_name, seats in configs():
        board, _ = parse_config(f"{board_name}_{seats}p")
        assert settings.rating.anchors[seats][0] == "random"
        assert "heuristic:v1" in settings.rating.anchors[seats]
        for spec in (*settings.rating.anchors[seats], *settings.tournament.players[seats], settings.gauntlet.heuristic):
            make_agent(spec, board, seats)


def test_what_has_to_stay_comparable_plays_with_frozen_weights() -> None:
    """Anchors, the gauntlet's opponent and the levels of the ladder; random and the package's networks have none."""
    settings = evaluation_settings()
    levels = [ladder_spec(f"{board}_{seats}p", level) for board, seats in configs() for level in LEVELS]
    anchors = [spec for seats in (2, 3, 4) for spec in settings.rating.anchors[seats]]
    for text in (*anchors, *levels, settings.gauntlet.heuristic):
        spec = Spec.parse(text)
        assert text == "random" or spec.model in (SHIPPED_NNUE, SHIPPED_CHAMPION) or spec.weights == "v1", text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cut_off: 0.40", "cut_off: 1.40", "gauntlet.cut_off: input should be less than or equal to 1"),
        ("alpha: 0.05", "alpha: 0", "sprt.alpha: input should be greater than 0"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(
    old: str, new: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (DEFAULTS / "evaluation.yaml").read_text()
    assert old in text
    (tmp_path / "evaluation.yaml").write_text(text.replace(old, new))
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path))
    with pytest.raises(BadSettings, match=message):
        evaluation_settings()
