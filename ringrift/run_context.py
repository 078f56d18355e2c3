"""The context of a stage, beside its inputs: its settings, its progress function, and its cancellation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any, Generic, Protocol, TypeVar, cast

from ringrift.errors import RingRiftError

SettingsT = TypeVar("SettingsT", covariant=True)
OtherT = TypeVar("OtherT")


class Cancelled(RingRiftError):
    """Work that was cancelled before its end; what it has finished is kept, and the same call goes on from there."""


class Progress(Protocol):
    """A function that takes reports of progress: the work, and how far it has come.

    `total` is None for work without an end, and 1 where `done` is a share of something that is not worth counting.
    `detail` is whatever else there is to say, such as a loss.
    """

    def __call__(self, work: str, done: float, total: float | None, detail: str = "") -> None: ...


def no_progress(work: str, done: float, total: float | None, detail: str = "") -> None:
    """Report nothing."""


@dataclass(frozen=True)
class RunContext(Generic[SettingsT]):
    """The context of a stage; every stage is a function of its inputs and such a context that returns a report."""

    settings: SettingsT
    progress: Progress = no_progress
    cancellation: Event = field(default_factory=Event)
    """Once it is set, the work stops where it can: it returns what it has finished, or raises `Cancelled`."""

    @property
    def cancelled(self) -> bool:
        """Whether the work is to stop."""
        return self.cancellation.is_set()

    def with_settings(self, settings: OtherT) -> RunContext[OtherT]:
        """Return the same context for work that has other settings."""
        return cast("RunContext[OtherT]", replace(cast("RunContext[Any]", self), settings=settings))

    def part_of(self, whole: str) -> RunContext[SettingsT]:
        """Return the same context for a part of larger work, under whose name all progress is reported."""

        def progress_of_part(work: str, done: float, total: float | None, detail: str = "") -> None:
            self.progress(whole, done, total, ", ".join(filter(None, (work, detail))))

        return replace(self, progress=progress_of_part)
