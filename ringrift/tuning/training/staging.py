"""A member of a population on another host: its inputs are brought there, and its results are brought back."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ringrift.fleet.hosts import SyncSettings
from ringrift.fleet.shell import JobTrouble
from ringrift.fleet.ssh import SshShell
from ringrift.fleet.staging import RUNS, Sent, fetch_files, fetch_training, push_files, push_training
from ringrift.tuning.training.population import MemberResult, population_folder, read_result, result_place

STUDIES: Final = "data/tuning"


async def push_member(shell: SshShell, home: Path, config: str, name: str, members: int, generation: int) -> Sent:
    """Bring the data set, and what the members of the generation before have left, from one workspace to another.

    Any of them may be the source of the member; what is there already is not sent again.
    """
    sent = await push_training(shell, home, config, None)
    more = await push_files(shell, home, source_files(home, config, name, members, generation))
    return Sent(sent.files + more.files, sent.bytes + more.bytes)


async def fetch_member(
    shell: SshShell, home: Path, config: str, name: str, result: MemberResult, settings: SyncSettings
) -> Path | None:
    """Bring the result of a member, its model and its last checkpoint, and return the path of the model in `home`.

    The result goes last: once it is there, the next generation may begin.
    """
    outcome = result.outcome
    path, wanted = None, []
    if outcome.model is not None and outcome.run is not None:
        path = await fetch_training(shell, home, config, outcome.model, outcome.run, settings)
        wanted = [checkpoint_path(config, result)]
    result_file = f"{STUDIES}/{config}/{population_folder(name)}/{result_place(result.generation, result.member)}"
    staged = home / "data" / ".staged" / shell.name
    fetched = await fetch_files(shell, [*wanted, result_file], staged, settings)
    for file in (*wanted, result_file):
        if file not in fetched:
            raise JobTrouble(f"{shell.name}: {file} is not there")
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (staged / file).replace(home / file)
    return path


def source_files(home: Path, config: str, name: str, members: int, generation: int) -> list[str]:
    """Return the files by which the members of a generation go on from those before, results last; paths in `home`."""
    folder = f"{STUDIES}/{config}/{population_folder(name)}"
    files: list[str] = []
    descriptions = [f"{folder}/population.json"]
    for member in range(members if generation else 0):
        place = f"{folder}/{result_place(generation - 1, member)}"
        result = read_result(home / place)
        descriptions += [place]
        if result is not None and result.outcome.model is not None:
            model = f"models/{config}/{result.outcome.model}"
            files += [f"{model}.pth", f"{model}.json", checkpoint_path(config, result)]
    return [path for path in (*files, *descriptions) if (home / path).exists()]


def checkpoint_path(config: str, result: MemberResult) -> str:
    """Return where the last checkpoint of a member is, in a workspace."""
    return f"{RUNS}/{config}/{result.outcome.run}/checkpoints/{result.outcome.checkpoint}"
