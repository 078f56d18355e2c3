"""One iteration of the loop through Airflow: started, reported stage by stage, and summed up."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from ringrift.bounded import read_end
from ringrift.errors import RingRiftError
from ringrift.fleet.site import JOBS
from ringrift.printable import one_line
from ringrift_airflow.dag import PREFIX
from ringrift_airflow.host_tasks import stage_of
from ringrift_airflow.job_owner import is_of
from ringrift_airflow.listeners.stages import last_error
from ringrift_airflow.local.api_client import AirflowApi, NoAnswer, Refused
from ringrift_airflow.local.narration import Narration, StageTimes, duration
from ringrift_airflow.local.outcome import result_line, scores, summary, what_next
from ringrift_airflow.retries import SKIP_REASON
from ringrift_airflow.workspace import home, program

POLL: Final = 1.0
"""Seconds between two looks at the run."""
HEALTH: Final = 10.0
"""Seconds between two looks at the health of Airflow."""
READING: Final = 600.0
"""Seconds that Airflow may take to read the DAGs."""
TELL: Final = 10.0
"""Seconds between two lines that say that it still reads them."""
ID_DIGITS: Final = 16
"""The digits of a model's SHA-256 that are its id."""
ANSWERS_MISSED: Final = 30
"""The answers missed in a row until Airflow is believed to be dead."""
LOG_BYTES: Final = 4096
"""The bytes at the end of a job's log in which its last line is looked for."""
UNANSWERED: Final = 300.0
"""Seconds without an answer until Airflow is believed to be dead, however few answers were missed."""


class NoIteration(RingRiftError):
    """An iteration that cannot be started."""


class AirflowIteration:
    """A run of a loop's DAG that does not wait for the number of new games."""

    ended: list[str]
    """The runs that were still under way at the end of the iteration, and were ended; their jobs are killed."""

    def __init__(
        self,
        api: AirflowApi,
        dag: str,
        preset: str,
        tell: Callable[[str], None],
        expected: Mapping[str, float] | None = None,
    ) -> None:
        """`expected` is how many seconds a stage takes, by its name."""
        self.api = api
        self.dag = dag
        self.preset = preset
        self.run_id = ""
        self.ended = []
        self._tell = tell
        self._was_paused = False
        self._unanswered = 0
        self._silent_since = 0.0
        self._stage_names: list[str] = []
        self._tasks: list[dict[str, Any]] = []
        self._returned: dict[str, list[Any]] = {}
        self._asked = time.monotonic()
        self._sick: list[str] = []
        self._narration = Narration(tell, expected or {}, self._line, self.last_line)
        self.seconds = 0.0

    def run(self) -> int:
        """Run the iteration, report what happens, and pause the loop again if it was; 1 if a stage has failed, else 0.

        `NoIteration` if Airflow dies.
        """
        began = time.monotonic()
        try:
            self._start()
            while (state := self._look()) not in ("success", "failed"):
                time.sleep(POLL)
        finally:
            self._leave()
        self.seconds = time.monotonic() - began
        return 0 if state == "success" else 1

    def summary(self) -> str:
        """Return what came of it: a line a stage, what stopped it first if something did, and what to do now."""
        lines = summary(self._times(), self._line, self._result, seconds=self.seconds)
        return f"{lines}\n\n{self._champion()}"

    def _champion(self) -> str:
        """Return which model is champion now, and what a person can do next."""
        config = self.dag.removeprefix(PREFIX)
        best = home() / "models" / f"ringrift_best_{config}.json"
        try:
            model = str(json.loads(best.read_bytes())["sha256"])[:ID_DIGITS]
        except (OSError, ValueError, KeyError, TypeError):
            return what_next(config, self.preset, home(), program(), model=None)
        new = any(stage.stage == "promote" and stage.state == "success" for stage in self._times())
        words = f"Model {model} is {'now ' if new else 'still '}the champion of {config}."
        gauntlet = self._result("gauntlet")
        if new and isinstance(gauntlet, dict):
            words += f" It scored {scores(gauntlet)} (50 % is equal)."
        if elo := self._line("rate"):
            words += f" {'It' if new else 'The new model'} has {elo}; random has 0."
        return f"{words}\n\n{what_next(config, self.preset, home(), program(), model=model)}"

    def last_line(self, stage: str) -> str:
        """Return the last line of the logs of a stage's jobs on this machine; empty if there is none."""
        newest, last = 0.0, ""
        for log in (home() / JOBS).glob(f"{self.dag}.{stage}[-.]*/log"):
            with suppress(OSError):  # of a job that is being swept away
                changed = log.stat().st_mtime
                if changed > newest and is_of(log.parent.name, self.dag, self.run_id) and (line := _last_line_of(log)):
                    newest, last = changed, line
        return last

    def _times(self) -> list[StageTimes]:
        """Return the state of each stage, in the order of the DAG; of what hosts do for it only what has failed."""
        stages = [
            StageTimes.of(stage, [task for task in self._tasks if task["task_id"] == stage])
            for stage in self._stage_names
        ]
        return [times for times in stages if times.stage == stage_of(times.stage) or times.state == "failed"]

    def _result(self, stage: str) -> Any:
        """Return the result of the first task of a stage."""
        return next(iter(self._results(stage)), None)

    def _results(self, stage: str) -> list[Any]:
        if stage not in self._returned:
            self._returned[stage] = [self._xcom(task) for task in self._tasks if task["task_id"] == stage]
        return self._returned[stage]

    def _line(self, stage: str) -> str:
        """Return the outcome of a stage, in words."""
        if not (tasks := [task for task in self._tasks if task["task_id"] == stage]):
            return ""
        states = {task["state"] for task in tasks}
        if states & {"failed", "up_for_retry"}:
            return last_error(self.run_id, stage) or "its log says why"
        if reason := self._xcom(tasks[0], SKIP_REASON) if "skipped" in states else None:
            return str(reason)
        return result_line(stage, self._results(stage)) if states == {"success"} else ""

    def _stages(self) -> list[str]:
        """Return the tasks of the DAG, each after those that it waits for."""
        following = {
            task["task_id"]: task["downstream_task_ids"] for task in self.api.get(f"/dags/{self.dag}/tasks")["tasks"]
        }
        before = {stage: [other for other, after in following.items() if stage in after] for stage in following}
        return list(TopologicalSorter(before).static_order())

    def _leave(self) -> None:
        """Pause the loop again if it was, and end the runs that are still under way, as nothing would continue them.

        They are the iteration itself, if it was interrupted, and runs that began because the loop was not paused.
        """
        try:
            if self._was_paused:
                self.api.patch(f"/dags/{self.dag}", {"is_paused": True})
            if self.run_id:
                for state in ("running", "queued"):
                    for run in self.api.get(f"/dags/{self.dag}/dagRuns", state=state)["dag_runs"]:
                        if run["dag_run_id"] == self.run_id or (self._was_paused and state == "running"):
                            self._end(run["dag_run_id"])
        except NoAnswer as error:
            self._tell(str(error))

    def _end(self, run: str) -> None:
        """Mark a run as failed, which kills its jobs."""
        self._tell(f"ending {run}, which is still under way")
        self.api.patch(self._path(run), {"state": "failed"})
        self.ended.append(run)

    def _path(self, run: str) -> str:
        return f"/dags/{self.dag}/dagRuns/{quote(run, safe='')}"

    def _start(self) -> None:
        """Trigger the interval that the schedule would run next, so that it is not run a second time."""
        dag = self._dag()
        body: dict[str, Any] = {"logical_date": None, "conf": {"train_now": True}}
        if dag["is_paused"] and dag.get("next_dagrun_logical_date"):
            body |= {
                "logical_date": dag["next_dagrun_logical_date"],
                "data_interval_start": dag["next_dagrun_data_interval_start"],
                "data_interval_end": dag["next_dagrun_data_interval_end"],
            }
        try:
            run = self.api.post(f"/dags/{self.dag}/dagRuns", body)
        except Refused:
            run = self.api.post(f"/dags/{self.dag}/dagRuns", {"logical_date": None, "conf": {"train_now": True}})
        self.run_id = run["dag_run_id"]
        self._was_paused = dag["is_paused"]
        self.api.patch(f"/dags/{self.dag}", {"is_paused": False})

    def _dag(self) -> dict[str, Any]:
        """Return the DAG as soon as Airflow has read it; `NoIteration` says why it does not."""
        began = reported = time.monotonic()
        while time.monotonic() - began < READING:
            try:
                dag: dict[str, Any] = self.api.get(f"/dags/{self.dag}")
                return dag
            except Refused:
                errors = self.api.get("/importErrors")["import_errors"]
                if errors:
                    raise NoIteration(errors[0]["stack_trace"].strip().splitlines()[-1]) from None
                if time.monotonic() - reported > TELL:
                    reported = time.monotonic()
                    self._tell(f"Waiting for Airflow to read the DAGs, {duration(reported - began)} so far")
                time.sleep(POLL)
        raise NoIteration(
            f"{self.dag}: there is no such DAG; `configs` of the preset in loop.yaml says which there are"
        )

    def _look(self) -> str:
        """Report what has changed, and return the state of the run."""
        try:
            path = self._path(self.run_id)
            state = str(self.api.get(path)["state"])
            self._tasks = self.api.get(f"{path}/taskInstances", limit=200)["task_instances"]
            if not self._stage_names:
                self._stage_names = self._stages()
            self._tell_health()
            self._narration.look(self._times(), time.time())
        except NoAnswer as error:
            self._unanswered += 1
            now = time.monotonic()
            if self._unanswered == 1:
                self._silent_since = now
            elif self._unanswered == 5:
                self._tell(f"{error}: waiting")
            if self._unanswered == ANSWERS_MISSED or now - self._silent_since > UNANSWERED:
                raise NoIteration(
                    f"Airflow has died in the middle of the iteration; {self.run_id} goes on after the next start "
                    f"({error})"
                ) from None
            return "unknown"
        self._unanswered = 0
        return state

    def _tell_health(self) -> None:
        """Report which components of Airflow do not work, when that changes: the run waits for them."""
        if time.monotonic() - self._asked < HEALTH:
            return
        self._asked = time.monotonic()
        sick = self.api.unhealthy()
        if sick != self._sick:
            self._tell(f"Airflow's {', '.join(sick)} does not work: waiting" if sick else "All of Airflow works again")
            self._sick = sick

    def _xcom(self, task: dict[str, Any], key: str = "return_value") -> Any:
        """Return the result of a task; None if it has none."""
        path = f"{self._path(self.run_id)}/taskInstances/{task['task_id']}/xcomEntries/{key}"
        query = {"map_index": task["map_index"], "deserialize": "true"} if task["map_index"] >= 0 else {}
        try:
            return self.api.get(path, **query)["value"]
        except Refused:
            return None


def _last_line_of(log: Path) -> str:
    """Return the last whole line of a log, fit to be shown; empty if there is none."""
    lines = read_end(log, LOG_BYTES).rpartition(b"\n")[0].decode(errors="replace").splitlines()
    return one_line(lines[-1].strip()) if lines else ""
