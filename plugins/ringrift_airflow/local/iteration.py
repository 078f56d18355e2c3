"""One turn of the loop through Airflow: started, told stage by stage, and summed up."""

from __future__ import annotations

import time
from collections.abc import Callable
from graphlib import TopologicalSorter
from typing import Any, Final
from urllib.parse import quote

from ringrift.errors import RingRiftError
from ringrift_airflow.listeners.stages import last_error
from ringrift_airflow.local.api_client import AirflowApi, NoAnswer, Refused
from ringrift_airflow.retries import SKIP_REASON

TOLD: Final = ("running", "deferred", "success", "skipped", "failed", "up_for_retry", "upstream_failed")
NAMES: Final = {"upstream_failed": "not reached", None: "not reached"}
POLL: Final = 1.0
"""Seconds."""
ANSWERS_MISSED: Final = 30
"""In a row, until Airflow is believed to be dead."""


class NoIteration(RingRiftError):
    """A turn that cannot be started."""


class AirflowIteration:
    """A run of a loop's DAG that does not wait for the number of new games."""

    ended: list[str]
    """The runs that were under way when it was over, and were ended; their jobs are killed."""

    def __init__(self, api: AirflowApi, dag: str, tell: Callable[[str], None]) -> None:
        self.api = api
        self.dag = dag
        self.run_id = ""
        self.ended = []
        self._tell = tell
        self._was_paused = False
        self._unanswered = 0
        self._states: dict[tuple[str, int], str] = {}
        self._tasks: list[dict[str, Any]] = []
        self.seconds = 0.0

    def run(self) -> int:
        """Start it, tell what happens, and pause the loop again if it was; 0 unless a stage has failed.

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
        """What came of it, a line a stage."""
        lines = [f"\nOne turn of {self.dag} in {self.seconds:.0f} s ({self.run_id})"]
        for stage in self._stages():
            tasks = [task for task in self._tasks if task["task_id"] == stage]
            states = sorted({NAMES.get(task["state"], task["state"]) for task in tasks})
            seconds = sum(task["duration"] or 0 for task in tasks)
            results = [self._xcom(task) for task in tasks]
            lines.append(
                f"  {stage:<10} {'/'.join(states):<8} {seconds:6.1f} s  {self._said(stage, tasks[0], results)}"
            )
        return "\n".join(lines)

    def _stages(self) -> list[str]:
        """The tasks of the DAG, each after those that it waits for."""
        following = {
            task["task_id"]: task["downstream_task_ids"] for task in self.api.get(f"/dags/{self.dag}/tasks")["tasks"]
        }
        before = {stage: [one for one, after in following.items() if stage in after] for stage in following}
        return list(TopologicalSorter(before).static_order())

    def _leave(self) -> None:
        """Pause the loop again if it was, and end what is still under way: nobody would go on with it.

        That is the turn itself, if it was interrupted, and what has begun because the loop was not paused.
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
        """The DAG, as soon as Airflow has read it; `NoIteration` says why it does not."""
        for _ in range(60):
            try:
                found: dict[str, Any] = self.api.get(f"/dags/{self.dag}")
                return found
            except Refused:
                errors = self.api.get("/importErrors")["import_errors"]
                if errors:
                    raise NoIteration(errors[0]["stack_trace"].strip().splitlines()[-1]) from None
                time.sleep(POLL)
        raise NoIteration(
            f"{self.dag}: there is no such DAG; `configs` of the preset in loop.yaml says which there are"
        )

    def _look(self) -> str:
        """Tell what has changed; the state of the run."""
        try:
            path = self._path(self.run_id)
            state = str(self.api.get(path)["state"])
            self._tasks = self.api.get(f"{path}/taskInstances", limit=200)["task_instances"]
        except NoAnswer as error:
            self._unanswered += 1
            if self._unanswered == ANSWERS_MISSED:
                raise NoIteration(
                    f"Airflow has died in the middle of the turn; {self.run_id} goes on after the next start ({error})"
                ) from None
            return "unknown"
        self._unanswered = 0
        for task in self._tasks:
            key = (task["task_id"], task["map_index"])
            if task["state"] in TOLD and self._states.get(key) != task["state"]:
                self._states[key] = task["state"]
                shard = f"[{task['map_index']}]" if task["map_index"] >= 0 else ""
                if task["state"] != "deferred":
                    ended = f" after {task['duration']:.1f} s" if task["end_date"] and task["duration"] else ""
                    self._tell(f"{task['task_id']}{shard}: {task['state'].replace('_', ' ')}{ended}")
        return state

    def _xcom(self, task: dict[str, Any], key: str = "return_value") -> Any:
        """What a task has returned; None if nothing."""
        path = f"{self._path(self.run_id)}/taskInstances/{task['task_id']}/xcomEntries/{key}"
        query = {"map_index": task["map_index"], "deserialize": "true"} if task["map_index"] >= 0 else {}
        try:
            return self.api.get(path, **query)["value"]
        except Refused:
            return None

    def _said(self, stage: str, task: dict[str, Any], results: list[Any]) -> str:
        """What came of a stage, in words."""
        said = last_error(self.run_id, stage) if task["state"] == "failed" else self._xcom(task, SKIP_REASON)
        if said:
            return str(said)
        reports = [result for result in results if isinstance(result, dict)]
        report = reports[0] if reports else {}
        if stage == "selfplay":
            return f"{sum(found.get('games', 0) for found in reports)} games"
        if stage == "sync" and reports:
            trouble = [str(said) for said in (report.get("trouble") or {}).values()]
            return "; ".join([f"{report.get('games')} new games from {', '.join(report.get('hosts') or ())}", *trouble])
        if stage == "aggregate":
            return f"{report.get('games')} new games in the database" if reports else ""
        if stage == "export":
            return f"{report.get('samples')} samples of {report.get('games')} games" if reports else ""
        if stage == "train" and reports:
            losses = ", ".join(f"{name} {_loss(values)}" for name, values in (report.get("losses") or {}).items())
            return f"model {report.get('model')}, {report.get('ended')}; {losses}"
        if stage == "gauntlet" and reports:
            opponents = (report.get("gauntlet") or {}).get("opponents") or ()
            scores = ", ".join(f"{one['role']} {one['score']:.0%}" for one in opponents)
            return f"{'passed' if report.get('passed') else 'not passed'}: {scores}"
        if stage == "rate" and reports:
            rated = report.get("ratings") or ()
            return ", ".join(f"{one['player']} {one['low']:.0f} … {one['high']:.0f} Elo" for one in rated)
        if stage == "gate" and reports:
            return f"{report.get('model')}: {report.get('why')}"
        if stage == "approve" and reports:
            person = (report["responded_by_user"] or {}).get("name", "nobody in time")
            return f"{', '.join(report['chosen_options'])}, says {person}"
        if stage == "promote" and reports:
            return str(report.get("outcome", "done"))
        return results[0] if results and isinstance(results[0], str) else ""


def _loss(values: list[float | None]) -> str:
    """A loss in training and on what was held out."""
    shown = [f"{value:.3f}" for value in values if value is not None]
    return " / ".join(shown)
