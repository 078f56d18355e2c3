"""Room for a training: obsolete files are removed before a training is refused for want of disk."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ringrift.pipeline.housekeeping_report import CleanReport
from ringrift.resources.usage import GIGABYTE
from ringrift.training.preflight import PreflightReport

_log = logging.getLogger(__name__)


def check_after_cleaning(check: Callable[[], PreflightReport], clean: Callable[[], CleanReport]) -> PreflightReport:
    """Check a training; where only the disk keeps it from beginning, clean the disk and check it again.

    :param clean: removes obsolete files, as on a full disk.
    """
    report = check()
    if [item.name for item in report.checks if item.verdict == "failed"] != ["disk"]:
        return report
    cleaned = clean()
    _log.warning("the disk has no room for the training: %.3f GB were cleaned away", cleaned.bytes / GIGABYTE)
    return check() if cleaned.bytes else report
