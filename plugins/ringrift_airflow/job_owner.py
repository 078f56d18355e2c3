"""The owner of a job: its name and its environment say which task of which run it belongs to."""

from __future__ import annotations

import re
import secrets
import shlex
from dataclasses import dataclass
from typing import Any, Final, Self

from ringrift.fleet import Shell
from ringrift.fleet.site import shell_word

VARIABLE: Final = "RINGRIFT_TASK"
"""The variable in the environment of a job that names the task that waits for it, in four words."""
TEMPORARY: Final = "__airflow_temporary_run_"
"""The beginning of the names of runs of `airflow tasks test`, of which Airflow keeps no states."""
ENDED: Final = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})


@dataclass(frozen=True)
class JobOwner:
    """The task of a run that a job belongs to."""

    dag: str
    task: str
    map_index: int
    run: str

    @classmethod
    def of(cls, ti: Any) -> Self:
        """Return the owner that stands for a task instance."""
        return cls(ti.dag_id, ti.task_id, -1 if ti.map_index is None else ti.map_index, ti.run_id)

    def new_job(self) -> str:
        """Return a unique name for a job, which says where it belongs."""
        mapped = "" if self.map_index < 0 else f"-{self.map_index}"
        return f"{_word(f'{self.dag}.{self.task}{mapped}.{self.run}')[:180]}.{secrets.token_hex(4)}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that its jobs carry with them."""
        return {VARIABLE: f"{self.dag} {self.task} {self.map_index} {self.run}"}

    def waits(self, ti: Any) -> bool:
        """Return whether Airflow has anything left to do for this task, asked through any task instance `ti`."""
        if self.run.startswith(TEMPORARY):
            return True
        states = ti.get_task_states(dag_id=self.dag, task_ids=[self.task], run_ids=[self.run]).get(self.run, {})
        key = self.task if self.map_index < 0 else f"{self.task}_{self.map_index}"
        return key in states and states[key] not in ENDED


def is_of(job: str, dag: str, run: str) -> bool:
    """Return whether a job belongs to a run by its name alone, without asking its host."""
    return job.startswith(f"{dag}.") and _word(run) in job


async def job_owners(shell: Shell, root: str) -> dict[str, JobOwner]:
    """Return the owners of all jobs in a folder of a host, by the names of the jobs."""
    mark = f"export {VARIABLE}="
    answer = await shell.run(f"cd {shell_word(root)} 2>/dev/null && grep -H '^{mark}' */exports\n".encode())
    owners = {}
    for line in answer.out.decode(errors="replace").splitlines():
        job, _, value = line.partition(f"/exports:{mark}")
        try:
            dag, task, map_index, run = " ".join(shlex.split(value)).split(" ", 3)
            owners[job] = JobOwner(dag, task, int(map_index), run)
        except ValueError:  # no job of a task has such a mark
            continue
    return owners


def _word(text: str) -> str:
    """Return a text as a part of the name of a job."""
    return re.sub(r"[^A-Za-z0-9._+-]", "-", text)
