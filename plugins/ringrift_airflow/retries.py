"""The retry policy, by kind of failure of a job, and how a task is skipped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, NoReturn

from airflow.sdk import Context, ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from ringrift.errors import Busy, RingRiftError
from ringrift.fleet.failures import HostTrouble, JobLost, NoHostLeft, OutOfMemory, Postponed, WrongUse

SKIP_REASON: Final = "skip_reason"
"""The key of the XCom in which a skipped task says why; at the end of the run it becomes a note of task and run."""

RETRY_POLICY: Final = ExceptionRetryPolicy(
    rules=[
        RetryRule(WrongUse, RetryAction.FAIL, reason="the same command would fail again"),
        RetryRule(Postponed, RetryAction.RETRY, timedelta(minutes=5), reason="there may be room by then"),
        RetryRule(OutOfMemory, RetryAction.RETRY, timedelta(minutes=2), reason="others may need less memory by then"),
        RetryRule(HostTrouble, RetryAction.RETRY, timedelta(minutes=1), reason="the host may answer again"),
        RetryRule(JobLost, RetryAction.RETRY, timedelta(seconds=10), reason="it goes on where it was"),
    ]
)


@contextmanager
def failing_at_once() -> Iterator[None]:
    """Fail a task for good where no host can do its work."""
    try:
        yield
    except NoHostLeft as error:
        raise AirflowFailException(str(error)) from None


@contextmanager
def failing_for_good_unless_busy() -> Iterator[None]:
    """Fail a task by an error of settings, files or the database here, by its message alone, without a traceback.

    As commands end with exit code 2, it fails for good, unless a later try may find free what another process uses.
    """
    try:
        yield
    except RingRiftError as error:
        raise (AirflowException if isinstance(error, Busy) else AirflowFailException)(str(error)) from None


@contextmanager
def postponed() -> Iterator[None]:
    """Fail a try for which there is no room now so that it is retried later."""
    try:
        yield
    except Busy as error:
        raise Postponed(str(error)) from None


def skip(context: Context, reason: str) -> NoReturn:
    """Skip the task, and what comes after it, and keep the reason beside its log."""
    context["ti"].xcom_push(key=SKIP_REASON, value=reason)
    raise AirflowSkipException(reason)
