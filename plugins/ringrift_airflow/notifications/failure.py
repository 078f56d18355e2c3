"""Who is told when a stage of the loop fails for good: a channel of Slack, and addresses of mail."""

from __future__ import annotations

from typing import Final

from airflow.sdk import BaseNotifier

from ringrift.pipeline.settings import AlertSettings

TEXT: Final = "RingRift: {{ ti.task_id }} of {{ dag.dag_id }} has failed ({{ run_id }}, try {{ ti.try_number }})"


REASON: Final = '{{ exception | default("", true) }}'
"""Such as what has become worse, where an alarm was raised."""


def connections_of(alerts: AlertSettings) -> dict[str, str]:
    """Return the connections that the notifiers use, and the settings that ask for them."""
    wanted = {"slack_default": ("slack_channel", alerts.slack_channel), "smtp_default": ("mail_to", alerts.mail_to)}
    return {connection: f"alerts.{field} of loop.yaml" for connection, (field, value) in wanted.items() if value}


def failure_notifiers(alerts: AlertSettings) -> list[BaseNotifier]:
    """Return notifiers for `on_failure_callback`."""
    found: list[BaseNotifier] = []
    if alerts.slack_channel:
        from airflow.providers.slack.notifications.slack import SlackNotifier

        found.append(SlackNotifier(channel=alerts.slack_channel, text=f"{TEXT}: {REASON} {{{{ ti.log_url }}}}"))
    if alerts.mail_to:
        from airflow.providers.smtp.notifications.smtp import SmtpNotifier

        log = '<p>{{ exception | default("") | e }}</p><p><a href="{{ ti.log_url }}">the log</a></p>'
        found.append(SmtpNotifier(to=alerts.mail_to, subject=TEXT, html_content=f"<p>{TEXT}</p>{log}"))
    return found


def absent_connection(name: str, setting: str) -> str:
    """Return what to say of a connection that is not there."""
    return f"connection {name!r} is missing, which {setting} needs: `airflow connections add {name} …` makes it"
