from __future__ import annotations

import pytest
from pydantic import ValidationError

from ringrift.settings import BadSettings
from ringrift.training.thresholds import AtLeast, AtMost, training_thresholds


def test_numbers_that_ought_to_be_large() -> None:
    bounds = AtLeast(fail=20, warn=300)
    assert [bounds.verdict(number) for number in (19, 20, 299, 300)] == ["failed", "warning", "warning", "ok"]
    assert str(bounds) == "≥ 300, at least 20"
    assert str(AtLeast(fail=0, warn=15)) == "≥ 15"


def test_shares_that_ought_to_be_small() -> None:
    bounds = AtMost(warn=0.65, fail=0.7, enough_gb=0)
    assert [bounds.verdict(share, 1e12) for share in (0.65, 0.66, 0.7, 0.71)] == ["ok", "warning", "warning", "failed"]
    assert str(bounds) == "≤ 65%, at most 70%"


def test_no_share_is_too_large_where_enough_is_left() -> None:
    bounds = AtMost(warn=0.65, fail=0.7, enough_gb=20)
    assert [bounds.verdict(0.9, free * 1e9) for free in (19, 20)] == ["failed", "ok"]
    assert str(bounds) == "≤ 65%, at most 70%, or 20 GB free"


def test_bounds_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"fail \(3\) is above warn \(2\)"):
        AtLeast(fail=3, warn=2)
    with pytest.raises(ValidationError, match=r"warn \(0.8\) is above fail \(0.7\)"):
        AtMost(warn=0.8, fail=0.7, enough_gb=0)


def test_the_settings_of_the_project_can_be_read() -> None:
    found = training_thresholds()
    assert (found.preflight.disk.warn, found.preflight.disk.fail) == (0.65, 0.7)
    assert found.report.gap == 0.1


def test_a_mistake_in_the_file_is_one_line(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path))
    (tmp_path / "training.yaml").write_text("preflight: {games: {fail: -1, warn: 300}}\nreport: {}\n")
    with pytest.raises(BadSettings, match=r"training\.yaml: preflight\.games\.fail: input should be greater") as caught:
        training_thresholds()
    assert "\n" not in str(caught.value)
