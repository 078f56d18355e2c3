"""The usage of a machine: disks, memory, GPUs, processor. What cannot be measured is left out, and stops nothing.

In a container the limits of its control group count where they are the tighter ones.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import psutil

from ringrift.kernels.threads import default_threads

Kind = Literal["disk", "memory", "gpu_memory", "cpu", "load"]
GIGABYTE: Final = 1e9
CGROUPS: Final = Path("/sys/fs/cgroup")
CPU_SECONDS: Final = 0.2
"""The time over which the use of the processor is measured."""
GPU_QUESTION: Final = (
    "--query-gpu=index,uuid,utilization.gpu,memory.used,memory.total",
    "--format=csv,noheader,nounits",
)
GPU_SECONDS: Final = 10
"""The longest time that `nvidia-smi` may take."""


@dataclass(frozen=True)
class Usage:
    """The usage of a resource."""

    kind: Kind
    what: str
    """The thing in words, such as `the disk of data`."""
    share: float
    """The share in use, from 0 to 1; of the load, processes for each core."""
    free: float = 0.0
    """Bytes that are left; 0 where it is not counted in bytes."""
    total: float = 0.0
    """Bytes in all; 0 where it is not counted in bytes."""


@dataclass(frozen=True)
class Gpu:
    """A GPU as `nvidia-smi` reports it; None is what the GPU does not report, such as one that is shared."""

    index: str
    uuid: str
    busy: float | None
    """Percent of the time in which it computed."""
    used: int | None
    """Bytes of memory, as the next."""
    total: int | None


def disk_usages(folders: Sequence[Path]) -> list[Usage]:
    """Return how full the disks are that folders lie on, each disk once."""
    by_device: dict[int, Path] = {}
    for folder in folders:
        with suppress(OSError):
            by_device.setdefault(_existing(folder).stat().st_dev, folder)
    return [usage for folder in by_device.values() if (usage := disk_usage(folder)) is not None]


def _existing(folder: Path) -> Path:
    """Return a folder, or the innermost around it that is there."""
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return place


def disk_usage(folder: Path) -> Usage | None:
    """Return how full the disk is that a folder lies on, or will lie on, for users other than root; None if unknown."""
    try:
        disk = shutil.disk_usage(_existing(folder))
    except OSError:
        return None
    room = disk.used + disk.free  # without what is kept back for root, as `df` counts
    return Usage("disk", f"the disk of {folder}", disk.used / room, disk.free, room) if room else None


def memory_usage(cgroups: Path = CGROUPS, own: Path = Path("/proc/self/cgroup")) -> Usage:
    """Return how full the memory is, of the machine or of the control group, whichever leaves less."""
    memory = psutil.virtual_memory()
    usage = Usage("memory", "memory", 1 - memory.available / memory.total, memory.available, memory.total)
    for limit, used in _group_memory(cgroups, own):
        if limit < memory.total and limit - used < usage.free:
            free = max(limit - used, 0)
            usage = Usage("memory", "memory of the control group", 1 - free / limit, free, limit)
    return usage


def _group_memory(cgroups: Path, own: Path) -> Iterator[tuple[int, int]]:
    """Yield limit and use in bytes of the control group of this process and of those around it.

    Inactive pages of files count as free: the system drops them before it kills a process. Version 2 and version 1.
    """
    with suppress(OSError, ValueError):
        for line in own.read_text().splitlines():
            number, controllers, path = line.split(":", 2)
            if number == "0":
                root, limit, used, cache = cgroups, "memory.max", "memory.current", "inactive_file"
            elif "memory" in controllers.split(","):
                root, limit, used = cgroups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
                cache = "total_inactive_file"
            else:
                continue
            folder = root / path.lstrip("/")
            while True:
                with suppress(OSError, ValueError):  # no limit is «max», and the root has no files
                    statistics = dict(entry.split() for entry in (folder / "memory.stat").read_text().splitlines())
                    in_use = int((folder / used).read_text()) - int(statistics.get(cache, 0))
                    yield int((folder / limit).read_text()), in_use
                if folder == root or root not in folder.parents:
                    break
                folder = folder.parent


def cpu_usage(seconds: float | None = CPU_SECONDS) -> Usage:
    """Return the share of the processor that is in use, measured for a moment; with None since the last look."""
    return Usage("cpu", "the processor", min(psutil.cpu_percent(seconds) / 100, 1.0))


def load_usage() -> Usage | None:
    """Return the runnable processes for each core, of the last minute or of now, whichever is less.

    The average lags behind: a stage that has just ended would keep the next one waiting. None where it is unknown.
    """
    try:
        running = max(int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0]) - 1, 0)  # but for this one
        load = min(os.getloadavg()[0], running)
    except (OSError, ValueError, IndexError):
        return None
    return Usage("load", "the load", load / default_threads())


def gpus() -> list[Gpu]:
    """Return all GPUs of this machine; none where they cannot be asked."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        answer = subprocess.run([program, *GPU_QUESTION], capture_output=True, timeout=GPU_SECONDS, check=True).stdout
        rows = [[cell.strip() for cell in line.split(",")] for line in answer.decode(errors="replace").splitlines()]
        return [
            Gpu(index, uuid, _number(busy), _bytes(used), _bytes(total))
            for index, uuid, busy, used, total in filter(any, rows)
        ]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []


def gpu_usage() -> Usage | None:
    """Return how full the fullest GPU is that this process may see; None where there is none."""
    measured = [
        Usage("gpu_memory", f"memory of GPU {gpu.index}", gpu.used / gpu.total, gpu.total - gpu.used, gpu.total)
        for gpu in visible_gpus()
        if gpu.used is not None and gpu.total
    ]
    return max(measured, key=lambda gpu: gpu.share, default=None)


def gpu_work() -> float | None:
    """Return the share of the time in which the busiest GPU computes that this process may see; None without any."""
    return max((gpu.busy / 100 for gpu in visible_gpus() if gpu.busy is not None), default=None)


def visible_gpus() -> list[Gpu]:
    """Return the GPUs that this process may see."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named == "":
        return []
    seen = None if named is None else {name.strip() for name in named.split(",")}
    return [gpu for gpu in gpus() if seen is None or gpu.index in seen or gpu.uuid in seen]


def _number(cell: str) -> float | None:
    """Read a number; None for `[N/A]`."""
    try:
        return float(cell)
    except ValueError:
        return None


def _bytes(cell: str) -> int | None:
    """Read mebibytes as bytes."""
    number = _number(cell)
    return None if number is None else int(number) << 20
