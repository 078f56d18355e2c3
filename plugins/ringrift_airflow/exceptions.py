"""What goes wrong with a job, as kinds that the retry policy tells apart."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NoReturn

from airflow.sdk import Context, ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

SAID: Final = "said"
"""The key of the XCom in which a task that is skipped says why."""
WRONG_USE, NO_ROOM, SHOT = 2, 78, 137
"""Exit codes that say more than that something went wrong."""


class JobFailed(AirflowException):
    """A job that ended with an exit code that is no success."""


class WrongUse(JobFailed):
    """What was asked for is wrong (exit code 2); to ask again changes nothing."""


class OutOfMemory(JobFailed):
    """A job that was shot (exit code 137), which is what happens when memory runs out."""


class JobLost(AirflowException):
    """A job that died without a word: its host was started anew, or somebody has killed it."""


class JobOverdue(AirflowException):
    """A job that was killed at its deadline."""


class HostTrouble(AirflowException):
    """A host that does not answer, or cannot do what is asked of it."""


class FullDisk(JobFailed):
    """A job that failed where there was no room left on the disk."""


RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(WrongUse, RetryAction.FAIL, reason="the same command would say the same again"),
        RetryRule(OutOfMemory, RetryAction.RETRY, timedelta(minutes=2), reason="others may need less memory by then"),
        RetryRule(HostTrouble, RetryAction.RETRY, timedelta(minutes=1), reason="the host may answer again"),
        RetryRule(JobLost, RetryAction.RETRY, timedelta(seconds=10), reason="it goes on where it was"),
    ]
)


def failure_of(job: str, code: int | None, last_line: str) -> JobFailed:
    """What the exit code of a job means."""
    said = last_line or f"job {job} ended with exit code {code} and has said nothing"
    if code == WRONG_USE:
        return WrongUse(said)
    if code == NO_ROOM:
        return FullDisk(said)
    if code == SHOT:
        return OutOfMemory(f"job {job} was shot, as happens when memory runs out; its last words: {said}")
    return JobFailed(f"exit code {code}: {said}")


def skip(context: Context, said: str) -> NoReturn:
    """Skip the task, and what comes after it; the reason is kept beside its log, for the summary of `make loop`."""
    context["ti"].xcom_push(key=SAID, value=said)
    raise AirflowSkipException(said)
