"""The health of the loop: metrics, a yes or no with reasons, and the pause between messages to people.

Everything is computed on request, from the database, the files of the loop and the last reports of hosts.
"""

from __future__ import annotations

from ringrift.monitoring.exposition import exposed, write_metrics
from ringrift.monitoring.health import HealthReport, health_report
from ringrift.monitoring.view import MonitoringInputs

__all__ = ["HealthReport", "MonitoringInputs", "exposed", "health_report", "write_metrics"]
