"""The notifications beside those of failures: promotions, refusals of the gate, and hosts that are lost or back.

A message about the same subject is sent no sooner than `messages.pause_minutes` of monitoring.yaml after the last one;
the database keeps when that was, so that retries, runs and workers agree.
"""

from __future__ import annotations

import html
import logging
from typing import Final

from airflow.sdk import BaseNotifier, Context

from ringrift.pipeline.settings import AlertSettings, loop_settings
from ringrift.printable import one_line
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.notifications.failure import mail_notifier, slack_notifier

LOG: Final = logging.getLogger(__name__)
LONGEST: Final = 500
"""Characters of a message."""


def tell(context: Context, subject: str, line: str) -> bool:
    """Send people a line, with a link to the task that says more; return whether it was sent.

    :param subject: what the line is about, such as `host gpu-1`: of each subject there is one message in a while.

    A message that cannot be sent fails no task; the log says why.
    """
    try:
        notifiers = message_notifiers(loop_settings().alerts, line, context["ti"].log_url)
        if not notifiers:
            return False
        from ringrift.monitoring.messages import may_tell  # late: slow to import, and DAGs import this module
        from ringrift.monitoring.settings import monitoring_settings

        with FleetHook().health() as health:
            if not may_tell(health.database, subject, 60 * monitoring_settings().messages.pause_minutes):
                LOG.info("no message, as the last about the same was sent lately: %s", one_line(line))
                return False
        for notifier in notifiers:
            notifier.notify(context)  # not called, which would take braces in the line for a template
    except Exception as error:  # of settings, database, connection or service
        LOG.warning("a message could not be sent (%s): %s", one_line(str(error)), one_line(line))
        return False
    return True


def message_notifiers(alerts: AlertSettings, line: str, link: str) -> list[BaseNotifier]:
    """Return the notifiers of the settings with a message; what stands in it is sent as text, never as markup."""
    text = html.escape(f"RingRift: {one_line(line)[:LONGEST]}", quote=False)  # Slack has the same three escapes
    notifiers: list[BaseNotifier] = []
    if alerts.slack_channel:
        notifiers.append(slack_notifier(alerts.slack_channel, f"{text}: {link}"))
    if alerts.mail_to:
        subject = f"RingRift: {one_line(line)[:LONGEST]}"
        page = f'<p>{text}</p><p><a href="{html.escape(link)}">more</a></p>'
        notifiers.append(mail_notifier(alerts.mail_to, subject, page))
    return notifiers
