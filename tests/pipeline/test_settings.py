"""The settings of the loop: what is wrong in them is said before anything begins."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ringrift.pipeline.settings import loop_settings, training_presets
from ringrift.settings import DEFAULTS, BadSettings


def change(folder: Path, old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Settings in a folder of their own, in which the first `old` of loop.yaml is replaced; its line."""
    shutil.copytree(DEFAULTS, folder)
    path = folder / "loop.yaml"
    before, found, after = path.read_text().partition(old)
    assert found
    path.write_text(before + new + after)
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(folder))
    return before.count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("preset: smoke", "preset: smok", "training.preset: training preset 'smok': unknown; did you mean 'smoke'?"),
        ("games: 30", "games: 200000", "selfplay.games: input should be less than or equal to 100000, not 200000"),
        ("rated_as: []", "rated_as: [gumbel@x]", "rated_as.0: player 'gumbel@x': after @ stands a whole number above"),
        ("rated_as: []", "rated_as: [nonsense@8]", "rated_as.0: player 'nonsense@8': unknown mode 'nonsense'; choose"),
        ("rated_as: []", "rated_as: [gumbel:x@8]", "rated_as.0: player 'gumbel:x@8': is to be a way for a model to"),
        ('players: "gumbel', 'players: "nonsense', "selfplay.players: player 'nonsense:heuristic@16?noise=1': unknown"),
        ('players: "gumbel', 'players: "mixed:random,x', "selfplay.players: player 'x:heuristic@16?noise=1': unknown"),
        ("[square8_2p]", "[square9_2p]", "configs.0: "),
        ('every: "*/30 * * * *"', 'every: "daily"', "every: string should match pattern"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_field_and_its_line(
    old: str, new: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = change(tmp_path / "config", old, new, monkeypatch)
    with pytest.raises(BadSettings) as wrong:
        loop_settings()
    assert str(wrong.value).startswith(f"{tmp_path}/config/loop.yaml: presets.smoke.{said}")
    assert str(wrong.value).endswith(f" (line {line})")
    assert "\n" not in str(wrong.value)


def test_presets_of_training_are_those_of_the_hyper_parameters() -> None:
    assert training_presets() == ("smoke", "laptop", "h100")
