"""Room for a training: a disk is cleaned before it is a reason to refuse one, and nothing else is."""

from __future__ import annotations

import pytest

from ringrift.pipeline.housekeeping_report import Cleaned, CleanReport
from ringrift.pipeline.room import check_after_cleaning
from ringrift.training.preflight import PreflightCheck, PreflightReport


@pytest.mark.parametrize(
    ("failed", "freed", "checks", "cleanings"),
    [
        ((), 0, 1, 0),
        (("disk",), 5_000_000, 2, 1),
        (("disk",), 0, 1, 1),
        (("disk", "samples"), 5_000_000, 1, 0),
        (("memory",), 5_000_000, 1, 0),
    ],
)
def test_only_a_full_disk_is_cleaned_and_checked_again(
    failed: tuple[str, ...], freed: int, checks: int, cleanings: int, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    def check() -> PreflightReport:
        done.append("check")
        return PreflightReport("hex8_2p", tuple(PreflightCheck(name, "failed", "") for name in failed))

    def clean() -> CleanReport:
        done.append("clean")
        return CleanReport(applied=True, full=True, disk="", kinds=(Cleaned("checkpoints", 1, freed, {}),))

    assert check_after_cleaning(check, clean).ready == (not failed)
    assert (done.count("check"), done.count("clean")) == (checks, cleanings)
    assert len(caplog.messages) == cleanings
