"""Whom a job belongs to: its environment says which task of which run, so that one nobody waits for is found."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any, Final, Self

from ringrift.fleet import Shell
from ringrift_airflow.workspace import shell_word

VARIABLE: Final = "RINGRIFT_TASK"
"""Of the environment of jobs: the task that waits for it, as four words."""
TEMPORARY: Final = "__airflow_temporary_run_"
"""Of the names of the runs of `airflow tasks test`, of which Airflow keeps no states."""
ENDED: Final = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})


@dataclass(frozen=True)
class Owner:
    """A task of a run."""

    dag: str
    task: str
    map_index: int
    run: str

    @classmethod
    def of(cls, ti: Any) -> Self:
        """The task of a task instance."""
        return cls(ti.dag_id, ti.task_id, -1 if ti.map_index is None else ti.map_index, ti.run_id)

    @property
    def environment(self) -> dict[str, str]:
        """What its jobs carry with them."""
        return {VARIABLE: f"{self.dag} {self.task} {self.map_index} {self.run}"}

    def waits(self, ti: Any) -> bool:
        """Whether Airflow has anything left to do for this task; `ti` is that of whoever asks."""
        if self.run.startswith(TEMPORARY):
            return True
        states = ti.get_task_states(dag_id=self.dag, task_ids=[self.task], run_ids=[self.run]).get(self.run, {})
        key = self.task if self.map_index < 0 else f"{self.task}_{self.map_index}"
        return key in states and states[key] not in ENDED


async def owners(shell: Shell, root: str) -> dict[str, Owner]:
    """The owners of all jobs in a folder of a host, by the names of the jobs."""
    mark = f"export {VARIABLE}="
    answer = await shell.run(f"cd {shell_word(root)} 2>/dev/null && grep -H '^{mark}' */exports\n".encode())
    found = {}
    for line in answer.out.decode(errors="replace").splitlines():
        job, _, value = line.partition(f"/exports:{mark}")
        dag, task, map_index, run = " ".join(shlex.split(value)).split(" ", 3)
        found[job] = Owner(dag, task, int(map_index), run)
    return found
