"""What is measured is what there is: disks as `df` counts them, memory within the control group."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from ringrift.resources.usage import disk_usage, disk_usages, gpu_usage, gpus, load_usage, memory_usage

GIBIBYTE = 1 << 30


def group(folder: Path, *, limit: str, used: int, inactive: int) -> None:
    """A control group of version 2."""
    folder.mkdir(parents=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {inactive}\n")


def test_a_folder_that_is_not_there_yet_lies_on_the_disk_of_the_one_around_it(tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)
    found = disk_usage(tmp_path / "data" / "selfplay")
    assert found is not None
    used = (disk.f_blocks - disk.f_bfree) / (disk.f_blocks - disk.f_bfree + disk.f_bavail)
    assert found.share == pytest.approx(used, abs=0.05)
    assert 0 < found.share <= 1


def test_memory_is_that_of_the_tightest_control_group(tmp_path: Path) -> None:
    tight = min(GIBIBYTE // 2, psutil.virtual_memory().available // 2)
    group(tmp_path / "jobs", limit=str(2 * tight), used=tight, inactive=tight // 2)
    group(tmp_path / "jobs" / "one", limit=str(tight), used=tight, inactive=tight // 4)
    (tmp_path / "own").write_text("1:cpu:/else\n0::/jobs/one\n")
    found = memory_usage(tmp_path, tmp_path / "own")
    assert found.what == "memory of the control group"
    assert found.share == pytest.approx(0.75)
    assert found.free == pytest.approx(tight / 4, abs=1)


def test_groups_without_a_limit_leave_the_memory_of_the_machine(tmp_path: Path) -> None:
    group(tmp_path / "jobs", limit="max", used=GIBIBYTE, inactive=0)
    (tmp_path / "own").write_text("0::/jobs\n")
    assert memory_usage(tmp_path, tmp_path / "own").what == "memory"
    assert memory_usage(tmp_path, tmp_path / "none").what == "memory"


def test_version_1_of_control_groups_counts_too(tmp_path: Path) -> None:
    limit = min(GIBIBYTE // 2, psutil.virtual_memory().available // 2)
    folder = tmp_path / "memory" / "jobs"
    folder.mkdir(parents=True)
    (folder / "memory.limit_in_bytes").write_text(f"{limit}\n")
    (folder / "memory.usage_in_bytes").write_text(f"{limit}\n")
    (folder / "memory.stat").write_text(f"inactive_file 0\ntotal_inactive_file {limit // 2}\n")
    (tmp_path / "own").write_text("4:memory:/jobs\n0::/\n")
    assert memory_usage(tmp_path, tmp_path / "own").share == pytest.approx(0.5, abs=0.01)


def test_the_load_is_of_each_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringrift.resources.usage.default_threads", lambda: 1)
    whole = load_usage()
    monkeypatch.setattr("ringrift.resources.usage.default_threads", lambda: 10**6)
    shared = load_usage()
    assert whole is not None
    assert shared is not None
    assert 0 <= shared.share < 0.1
    assert whole.share >= shared.share


def test_the_fullest_gpu_that_may_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '0, GPU-a, 5, 1000, 10000'\necho '1, GPU-b, [N/A], 9000, 10000'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for visible, share in ((None, 0.9), ("0", 0.1), ("GPU-b", 0.9)):
        if visible is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        found = gpu_usage()
        assert found is not None
        assert found.share == pytest.approx(share)
    assert [(gpu.busy, gpu.used) for gpu in gpus()] == [(5.0, 1000 << 20), (None, 9000 << 20)], "all of them"
    program.write_text("#!/bin/sh\nexit 9\n")
    assert gpu_usage() is None, "a driver that fails stops nothing"


def test_folders_of_one_disk_are_one_disk(tmp_path: Path) -> None:
    found = disk_usages([tmp_path / "data", tmp_path / "models", tmp_path / "data" / "runs"])
    assert [one.what for one in found] == [f"the disk of {tmp_path / 'data'}"]
