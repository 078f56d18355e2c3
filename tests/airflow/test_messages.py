"""People are told of what happens, once in a while and with a link, and text of others stays text."""

from __future__ import annotations

from typing import Any

import pytest

from ringrift.pipeline.settings import AlertSettings
from ringrift_airflow.notifications import messages
from ringrift_airflow.notifications.messages import message_notifiers, tell
from tests.airflow.place import Place

LINK = "http://localhost:8080/dags/ringrift__hex8_2p/runs/r/tasks/promote"
BOTH = AlertSettings(slack_channel="#ringrift", mail_to=["you@example.org"])


class Task:
    log_url = LINK


class Notifier:
    """What keeps the messages that are sent, or fails to send them."""

    def __init__(self, line: str, sent: list[str]) -> None:
        self.line = line
        self.sent = sent

    def notify(self, context: Any) -> None:
        if "unsendable" in self.line:
            raise OSError("the mail server does not answer")
        self.sent.append(self.line)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, place: Place) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(messages, "message_notifiers", lambda alerts, line, link: [Notifier(f"{line} {link}", found)])
    return found


def test_the_same_subject_is_told_once_in_a_while(sent: list[str]) -> None:
    context: Any = {"ti": Task()}
    assert tell(context, "host gpu-1 lost", "gpu-1: does not answer")
    assert not tell(context, "host gpu-1 lost", "gpu-1: does not answer")
    assert tell(context, "host gpu-2 lost", "gpu-2: does not answer")
    assert sent == [f"gpu-1: does not answer {LINK}", f"gpu-2: does not answer {LINK}"]


def test_what_cannot_be_told_fails_no_task(sent: list[str], caplog: pytest.LogCaptureFixture) -> None:
    context: Any = {"ti": Task()}
    assert not tell(context, "host gpu-1 lost", "unsendable")
    assert "a message could not be sent (the mail server does not answer): unsendable" in caplog.text


def test_a_message_has_a_link_and_is_nothing_but_text() -> None:
    slack, mail = message_notifiers(BOTH, "gpu-1 says {{ conf }} <!channel>\x1b[2J\nand more", LINK)
    assert slack.text == f"RingRift: gpu-1 says {{{{ conf }}}} &lt;!channel&gt;\\u001b[2J\\u000aand more: {LINK}"  # type: ignore[attr-defined]
    assert f'<a href="{LINK}">' in mail.html_content  # type: ignore[attr-defined]
    assert "<!channel>" not in mail.html_content  # type: ignore[attr-defined]
    assert slack.slack_conn_id == "slack_default"  # type: ignore[attr-defined]


def test_without_settings_nobody_is_told() -> None:
    assert message_notifiers(AlertSettings(slack_channel=None, mail_to=[]), "a line", LINK) == []
