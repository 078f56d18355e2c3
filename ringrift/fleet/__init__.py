"""Hosts and what runs on them: jobs that outlive the connection that started them."""

from ringrift.fleet.jobs import (
    BadJob,
    Job,
    State,
    Status,
    Work,
    kill_job,
    list_jobs,
    read_output,
    start_job,
    status_of_job,
    sweep_jobs,
)
from ringrift.fleet.shell import Answer, JobTrouble, LocalShell, Shell, Unreachable
from ringrift.fleet.watch import Ending, watch_job

__all__ = [
    "Answer",
    "BadJob",
    "Ending",
    "Job",
    "JobTrouble",
    "LocalShell",
    "Shell",
    "State",
    "Status",
    "Unreachable",
    "Work",
    "kill_job",
    "list_jobs",
    "read_output",
    "start_job",
    "status_of_job",
    "sweep_jobs",
    "watch_job",
]
