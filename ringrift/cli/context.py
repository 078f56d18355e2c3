"""The context in which commands run their work: progress on the standard error, cancelled by Ctrl-C or SIGTERM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from ringrift.cli.interrupts import Interruption, stop_on_interrupt
from ringrift.cli.progress import progress
from ringrift.console import echo
from ringrift.errors import BUSY
from ringrift.run_context import Cancelled, RunContext

if TYPE_CHECKING:
    from ringrift.game_database import GamesDatabase

SettingsT = TypeVar("SettingsT")


@contextmanager
def run_context(
    settings: SettingsT, *, heavy: str | None = None, folders: Sequence[Path] = (), gpu: bool = False
) -> Iterator[RunContext[SettingsT]]:
    """Yield a context with these settings; `Cancelled` work ends the command with the signal's exit code.

    `heavy` names work that begins when the machine has room for it, and stops with exit code 75 where the disks of the
    `folders` or the memory are used up meanwhile. `gpu` says that it uses a GPU where there is one.
    """
    with stop_on_interrupt() as interruption, progress() as report:
        try:
            with _guarded(heavy, folders, gpu, interruption) if heavy else nullcontext():
                yield RunContext(settings, report, interruption)
        except Cancelled as cancelled:
            echo(str(cancelled), err=True)
            raise typer.Exit(interruption.exit_code) from None


@contextmanager
def games_to_learn_from(
    database: str | None, settings: SettingsT, threads: int | None
) -> Iterator[tuple[GamesDatabase, RunContext[SettingsT]]]:
    """Yield the games database and the context of a training that reads its games from there."""
    from ringrift.game_database import GamesDatabase

    use_threads(threads)
    with run_context(settings) as context, GamesDatabase(database) as games:
        yield games, context


def use_threads(count: int | None) -> None:
    """Give torch that many threads on a CPU; None leaves it its own choice."""
    if count is not None:
        import torch

        torch.set_num_threads(count)


@contextmanager
def _guarded(work: str, folders: Sequence[Path], gpu: bool, interruption: Interruption) -> Iterator[None]:
    from ringrift.resources import Guard, guard_settings  # late: pydantic is slow to import

    guard = Guard(guard_settings(), folders, gpu)
    guard.wait_for_room(work, interruption)

    def stop(why: str) -> None:
        echo(why, err=True)
        interruption.exit_code = BUSY
        interruption.set()

    with guard.watching(work, stop):
        yield


def exit_if_cancelled(context: RunContext[object]) -> None:
    """End the command with the signal's exit code if its work was cut short."""
    if isinstance(context.cancellation, Interruption) and context.cancelled:
        raise typer.Exit(context.cancellation.exit_code)
