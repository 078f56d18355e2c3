"""The check, before a failure, of the connections by which people are notified of failures."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator, Connection, Context
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from ringrift.pipeline.settings import AlertSettings
from ringrift_airflow.notifications.failure import absent_connection, connections_of


class CheckConnectionsOperator(BaseOperator):
    """Check that the connections which notifiers need are there, before a failure needs them."""

    def __init__(self, *, alerts: AlertSettings, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.connections = connections_of(alerts)

    def execute(self, context: Context) -> Any:
        """Name them; `AirflowFailException` for one that is missing."""
        for name, setting in self.connections.items():
            try:
                Connection.get(name)
            except AirflowNotFoundException:
                raise AirflowFailException(absent_connection(name, setting)) from None
        self.log.info("connections of notifiers: %s", ", ".join(self.connections) or "none are needed")
        return list(self.connections)
