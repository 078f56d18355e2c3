"""Whether the loop is well: metrics, health, and what people are told.

Everything is computed when it is asked for, from the database, the files of the loop and what hosts have said last.
"""

from __future__ import annotations

from ringrift.monitoring.exposition import exposed, write_metrics
from ringrift.monitoring.health import HealthReport, health_report
from ringrift.monitoring.view import MonitoringInputs

__all__ = ["HealthReport", "MonitoringInputs", "exposed", "health_report", "write_metrics"]
