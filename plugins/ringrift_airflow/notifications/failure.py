"""Who is told when a stage of the loop fails for good: a channel of Slack, and addresses of mail."""

from __future__ import annotations

from typing import Any, Final

from airflow.sdk import BaseNotifier, BaseOperator, Connection, Context
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from ringrift.pipeline.settings import AlertSettings

TEXT: Final = "RingRift: {{ ti.task_id }} of {{ dag.dag_id }} has failed ({{ run_id }}, try {{ ti.try_number }})"


def connections_of(alerts: AlertSettings) -> dict[str, str]:
    """The connections that the notifiers use, and the settings that ask for them."""
    wanted = {"slack_default": ("slack_channel", alerts.slack_channel), "smtp_default": ("mail_to", alerts.mail_to)}
    return {connection: f"alerts.{field} of loop.yaml" for connection, (field, value) in wanted.items() if value}


def failure_notifiers(alerts: AlertSettings) -> list[BaseNotifier]:
    """Notifiers for `on_failure_callback`."""
    found: list[BaseNotifier] = []
    if alerts.slack_channel:
        from airflow.providers.slack.notifications.slack import SlackNotifier

        found.append(SlackNotifier(channel=alerts.slack_channel, text=f"{TEXT}: {{{{ ti.log_url }}}}"))
    if alerts.mail_to:
        from airflow.providers.smtp.notifications.smtp import SmtpNotifier

        log = '<p>{{ exception | default("") | e }}</p><p><a href="{{ ti.log_url }}">the log</a></p>'
        found.append(SmtpNotifier(to=alerts.mail_to, subject=TEXT, html_content=f"<p>{TEXT}</p>{log}"))
    return found


class CheckConnectionsOperator(BaseOperator):
    """Look for the connections that notifiers need, before a failure does."""

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


def absent_connection(name: str, setting: str) -> str:
    """What to say of a connection that is not there."""
    return f"connection {name!r} is missing, which {setting} needs: `airflow connections add {name} …` makes it"
