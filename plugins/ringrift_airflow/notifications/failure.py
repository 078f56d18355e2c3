"""The notifications of a stage of the loop that fails for good: to a channel of Slack, and to addresses of mail."""

from __future__ import annotations

from typing import Final

from airflow.sdk import BaseNotifier

from ringrift.pipeline.settings import AlertSettings

SLACK, SMTP = "slack_default", "smtp_default"
"""The connections that the notifiers use."""
TEXT: Final = "RingRift: {{ ti.task_id }} of {{ dag.dag_id }} has failed ({{ run_id }}, try {{ ti.try_number }})"


REASON: Final = '{{ exception | default("", true) }}'
"""The reason of the failure, such as what has become worse where an alarm was raised."""


def connections_of(alerts: AlertSettings) -> dict[str, str]:
    """Return the connections that the notifiers use, and the settings that ask for them."""
    wanted = {SLACK: ("slack_channel", alerts.slack_channel), SMTP: ("mail_to", alerts.mail_to)}
    return {connection: f"alerts.{field} of loop.yaml" for connection, (field, value) in wanted.items() if value}


def failure_notifiers(alerts: AlertSettings) -> list[BaseNotifier]:
    """Return notifiers for `on_failure_callback`."""
    notifiers: list[BaseNotifier] = []
    if alerts.slack_channel:
        notifiers.append(slack_notifier(alerts.slack_channel, f"{TEXT}: {REASON} {{{{ ti.log_url }}}}"))
    if alerts.mail_to:
        log = '<p>{{ exception | default("") | e }}</p><p><a href="{{ ti.log_url }}">the log</a></p>'
        notifiers.append(mail_notifier(alerts.mail_to, TEXT, f"<p>{TEXT}</p>{log}"))
    return notifiers


def slack_notifier(channel: str, text: str) -> BaseNotifier:
    """Return a notifier that writes a text into a channel of Slack."""
    from airflow.providers.slack.notifications.slack import SlackNotifier  # late: most have no Slack, as the next

    return SlackNotifier(slack_conn_id=SLACK, channel=channel, text=text)


def mail_notifier(addresses: list[str], subject: str, page: str) -> BaseNotifier:
    """Return a notifier that sends a page of HTML to addresses."""
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    return SmtpNotifier(smtp_conn_id=SMTP, to=addresses, subject=subject, html_content=page)


def absent_connection(name: str, setting: str) -> str:
    """Return the message about a connection that is missing."""
    return f"connection {name!r} is missing, which {setting} needs: `airflow connections add {name} …` makes it"
