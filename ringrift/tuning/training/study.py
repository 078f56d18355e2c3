"""A search over trials, shared by any number of processes: Optuna's Parzen estimator and asynchronous halving.

A trial is asked for, trained, and reported. Every process sends heartbeats for its trial; a trial without them is put
into the queue again, with what was measured of it, and the process that takes it goes on from its last checkpoint.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from ringrift.run_context import Cancelled, RunContext
from ringrift.training.errors import BusyRun
from ringrift.tuning.training.errors import BusyStudy
from ringrift.tuning.training.experiment import LossWatch, Outcome
from ringrift.tuning.training.fitness import HIGHER_IS_BETTER
from ringrift.tuning.training.settings import SearchSettings
from ringrift.tuning.training.space import FitnessKind, Space
from ringrift.tuning.training.storage import explained

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.samplers import BaseSampler
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial

OUTCOME: Final = "outcome"
"""The attribute of a trial that holds its `Outcome`."""
POLL_SECONDS: Final = 2.0
Objective = Callable[[int, Mapping[str, Any], LossWatch], Outcome]
"""A function of the number of a trial, its values, and the watch over its validations."""


@dataclass(frozen=True)
class SharedStudy:
    """A study in its storage."""

    study: Study
    space: Space
    fitness: FitnessKind
    settings: SearchSettings

    def trials(self) -> list[FrozenTrial]:
        """Return all trials, in their order."""
        with self._explained():
            return list(self.study.get_trials(deepcopy=False))

    def search(self, objective: Objective, trials: int, context: RunContext[Any]) -> None:
        """Make trials until the study has `trials`, given-up ones included; wait for those of other processes.

        `Cancelled` puts the trial at hand back into the queue.
        """
        while not context.cancelled:
            over, running = self._counts()
            context.progress("trials", over, trials, self._best())
            if over >= trials:
                return
            if over + running < trials:
                self._make_trial(objective)
                continue
            with self._explained():
                from optuna.storages import fail_stale_trials

                with quiet():
                    fail_stale_trials(self.study)
            context.cancellation.wait(POLL_SECONDS)
        raise Cancelled("stopped between two trials; run it again to go on")

    def _make_trial(self, objective: Objective) -> None:
        import optuna

        def run(trial: Trial) -> float:
            self.study.sampler = self._sampler(trial.number)
            values = {name: self._suggest(trial, name) for name in self.space.dimensions}

            def watch(number: int, loss: float) -> bool:
                # Optuna compares what was measured after as many validations, so any scale does.
                trial.report(-loss if HIGHER_IS_BETTER[self.fitness] else loss, number)
                return bool(trial.should_prune())

            try:
                outcome = objective(trial.number, values, watch)
            except (Cancelled, BusyRun) as error:
                self._put_back(trial)
                if isinstance(error, BusyRun):
                    raise BusyStudy(f"trial {trial.number}: {error}") from None
                raise
            trial.set_user_attr(OUTCOME, outcome.to_json())
            if outcome.fitness is None:
                raise optuna.TrialPruned
            return outcome.fitness

        with self._explained(), quiet():
            self.study.optimize(run, n_trials=1)

    def _put_back(self, trial: Trial) -> None:
        """Queue a trial again; Optuna marks it as failed here when the exception goes on."""
        from optuna.storages import RetryHeartbeatStaleTrialCallback

        frozen = self.study.get_trials(deepcopy=False)[trial.number]
        RetryHeartbeatStaleTrialCallback(inherit_intermediate_values=True)(self.study, frozen)

    def _sampler(self, number: int) -> BaseSampler:
        """Return the sampler of a trial's values, seeded by its number, so that no two processes draw the same."""
        from optuna.samplers import TPESampler

        settings = self.settings
        return TPESampler(n_startup_trials=settings.random, constant_liar=True, seed=settings.seed + number)

    def _suggest(self, trial: Trial, name: str) -> Any:
        space, dimension = self.space, self.space.dimensions[name]
        if dimension.choices is not None:
            return trial.suggest_categorical(name, space.choices(name))
        low, high = space.bounds(name)
        log = dimension.log and low > 0
        if space.is_whole(name):
            return trial.suggest_int(name, int(low), int(high), log=log)
        return trial.suggest_float(name, low, high, log=log)

    def _counts(self) -> tuple[int, int]:
        """Return the number of trials that are over, and of those that are running."""
        states = [trial.state.name for trial in self.trials()]
        return sum(state in ("COMPLETE", "PRUNED") for state in states), states.count("RUNNING")

    def _best(self) -> str:
        best = best_trial(self.trials(), self.fitness)
        return "" if best is None else f"best {self.fitness} {best.value:.4g} (trial {best.number})"

    def _explained(self) -> Any:
        return explained(_url_of(self.study))


def open_study(
    storage: RDBStorage, name: str, space: Space, fitness: FitnessKind, settings: SearchSettings
) -> SharedStudy:
    """Open a study by its name, made with the values in use as its first trial if there is none."""
    import optuna

    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=settings.first_look, reduction_factor=settings.keep)
    direction: Literal["maximize", "minimize"] = "maximize" if HIGHER_IS_BETTER[fitness] else "minimize"
    with explained(storage.engine.url), quiet():
        try:
            study = optuna.create_study(study_name=name, storage=storage, direction=direction, pruner=pruner)
        except optuna.exceptions.DuplicatedStudyError:
            study = optuna.load_study(study_name=name, storage=storage, pruner=pruner)
        else:
            study.enqueue_trial(space.start)
    return SharedStudy(study, space, fitness, settings)


def best_trial(trials: list[FrozenTrial], fitness: FitnessKind) -> FrozenTrial | None:
    """Return the best trial that has come to its end; None if there is none."""
    ended = [trial for trial in trials if trial.state.name == "COMPLETE" and trial.value is not None]
    sign = 1 if HIGHER_IS_BETTER[fitness] else -1
    return max(ended, key=lambda trial: sign * (trial.value or 0.0), default=None)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep back Optuna's warnings of what it calls experimental, and of what a trial reports again after a kill."""
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        warnings.filterwarnings("ignore", "The reported value is ignored", UserWarning)
        yield


def _url_of(study: Study) -> Any:
    storage: Any = study._storage
    return getattr(storage, "_backend", storage).engine.url
