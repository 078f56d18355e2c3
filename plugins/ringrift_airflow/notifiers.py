"""Who is told when a stage of the loop fails for good: a channel of Slack, and addresses of mail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from airflow.sdk import BaseNotifier

TEXT: Final = "RingRift: {{ ti.task_id }} of {{ dag.dag_id }} has failed ({{ run_id }}, try {{ ti.try_number }})"


def failure_notifiers(slack_channel: str | None, mail_to: Sequence[str]) -> list[BaseNotifier]:
    """Notifiers for `on_failure_callback`. They use the connections `slack_default` and `smtp_default`."""
    found: list[BaseNotifier] = []
    if slack_channel:
        from airflow.providers.slack.notifications.slack import SlackNotifier

        found.append(SlackNotifier(channel=slack_channel, text=f"{TEXT}: {{{{ ti.log_url }}}}"))
    if mail_to:
        from airflow.providers.smtp.notifications.smtp import SmtpNotifier

        log = '<p>{{ exception | default("") | e }}</p><p><a href="{{ ti.log_url }}">the log</a></p>'
        found.append(SmtpNotifier(to=list(mail_to), subject=TEXT, html_content=f"<p>{TEXT}</p>{log}"))
    return found
