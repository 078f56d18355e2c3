"""The ladder of difficulty: every config has all levels, and a gap is explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringrift.agents import MODES, Spec
from ringrift.agents.ladder import LEVELS, ladder_spec
from ringrift.game import UnknownConfig, configs
from ringrift.settings import BadSettings


@pytest.mark.parametrize(("board", "players"), configs())
def test_every_level_of_every_config_has_a_player(board: str, players: int) -> None:
    specs = [ladder_spec(f"{board}_{players}p", level) for level in LEVELS]
    assert len(set(specs)) == len(specs) == 10
    assert all(Spec.parse(spec).mode in MODES for spec in specs)
    assert specs[0] == "random"


def test_levels_can_be_overlaid_and_unknown_ones_are_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ladder.yaml").write_text("levels: {hex8_2p: {2: policy}}\n")
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path))
    assert [ladder_spec("hex8_2p", level) for level in (1, 2)] == ["random", "policy"]
    with pytest.raises(BadSettings, match=r"ladder.yaml: levels.hex8_2p.11: is missing"):
        ladder_spec("hex8_2p", 11)
    with pytest.raises(UnknownConfig, match="unknown config 'hex9_2p'"):
        ladder_spec("hex9_2p", 1)
