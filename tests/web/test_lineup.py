"""Players of the service: which of them have a model, and which judge by the heuristic."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringrift.agents import champion
from ringrift.web.service.lineup import Lineup
from ringrift.web.settings import web_settings


@pytest.mark.parametrize(
    ("spec", "model", "heuristic"),
    [
        ("random", None, False),
        ("heuristic", None, True),
        ("heuristic:v1?temperature=4", None, True),
        ("minimax?nodes=1000&weights=v1", None, True),
        ("gumbel:heuristic@64?weights=v1", None, True),
        ("puct@8", None, False),
        ("policy:models/a.pth", Path("models/a.pth"), False),
        ("minimax:nnue-shipped?nodes=1000", None, False),
        ("gumbel:{best}@8", None, True),  # before there is a champion
    ],
)
def test_the_name_of_weights_is_no_model(
    spec: str, model: Path | None, heuristic: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(champion, "SHIPPED", tmp_path)
    player = Lineup(web_settings().service, tmp_path).named("square8_2p", spec)
    assert (player.model, player.parsed.uses_heuristic) == (model, heuristic)
