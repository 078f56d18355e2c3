"""The speed of self-play is measured on whole games."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringrift.benchmarks.selfplay import measure_player, save_untrained
from ringrift.networks import ARCHITECTURES, Architecture


@pytest.mark.parametrize(("player", "asks"), [("random", False), ("bootstrap", False), ("gumbel@2", True)])
def test_a_player_is_measured(player: str, asks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARCHITECTURES, "tiny", Architecture(channels=8, blocks=1, squeeze=False, head_channels=4))
    model = tmp_path / "model.pth"
    save_untrained(model, "hex8_2p", "tiny")
    speed = measure_player("hex8_2p", player, model, games=2)
    assert (speed.games, speed.side_by_side) == (2, 1)
    assert speed.games_per_cpu_second > 0
    assert speed.moves_per_second > 20 * speed.games_per_second > 0
    assert (0 < speed.network_share < 1) == asks
    assert speed.bytes_per_game > 100
