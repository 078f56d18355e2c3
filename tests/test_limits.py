"""The limit of moves of every config."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringrift.game import UnknownConfig, configs
from ringrift.limits import move_limit
from ringrift.settings import BadSettings


@pytest.mark.parametrize(("board", "players"), configs())
def test_every_config_has_a_limit(board: str, players: int) -> None:
    assert move_limit(f"{board}_{players}p") >= 500


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_moves: {hex8_2p: 0}", r"games.yaml: max_moves.hex8_2p: input should be greater than 0, not 0"),
        ("max_moves: {hex9_2p: 5}", r"games.yaml: max_moves: unknown config 'hex9_2p'"),
    ],
)
def test_a_wrong_limit_is_explained(text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "games.yaml").write_text(text)
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path))
    with pytest.raises(BadSettings, match=message):
        move_limit("hex8_2p")


def test_an_unknown_config_is_explained() -> None:
    with pytest.raises(UnknownConfig, match="unknown config 'hex9_2p'"):
        move_limit("hex9_2p")
