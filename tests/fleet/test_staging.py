"""A training's inputs on a real host, and its model back: incremental, whole, the right ones."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from ringrift.datasets.manifest import Manifest, Shard, write_manifest
from ringrift.fleet import JobTrouble, Unreachable, staging
from ringrift.fleet.mirror import checksum_of_file
from ringrift.fleet.ssh import SshShell
from ringrift.fleet.staging import fetch_training, push_training
from ringrift.networks import NetworkConfig, add_model, build_network, load_model
from tests.fleet.servers import Server, Wire, connection_settings, server, settings_for_tests

CONFIG = "hex8_2p"
RUN = "data/runs/hex8_2p/0123456789ab"


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Server]:
    with server(tmp_path / "host", "gpu-1") as found:
        yield found


def dataset(home: Path, part: str, **shards: bytes) -> None:
    """A data set of shards with any content."""
    folder = home / "data" / "training"
    folder.mkdir(parents=True, exist_ok=True)
    name = CONFIG if part == "training" else f"{CONFIG}.holdout"
    made = []
    for digits, content in shards.items():
        path = folder / f"{name}-{digits}.npz"
        path.write_bytes(content)
        facts = {"samples": 1, "games": 1, "bytes": len(content), "sha256": checksum_of_file(path)}
        made.append(Shard(name=path.name, **facts))
    facts = {"holdout_share": 0.1, "samples": 1, "policies": 1, "games": 1, "provenance": {}}
    manifest = {"format": 2, "config": CONFIG, "encoder": "v2", "part": part, "shards": tuple(made)} | facts
    write_manifest(folder / f"{name}.json", Manifest.model_validate(manifest))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    dataset(made, "training", a=b"first" * 1000, b=b"second" * 1000)
    dataset(made, "holdout", c=b"third" * 1000)
    return made


def model(home: Path, seed: int = 0) -> Path:
    """A model that was trained in the run, with the games that it knows and its errors."""
    import torch

    torch.manual_seed(seed)
    network = build_network(NetworkConfig.of("small", "hex8", 2, "v2"))
    path = add_model(home / "models" / CONFIG, network, {"training": {"run": Path(RUN).name}})
    (home / RUN).mkdir(parents=True, exist_ok=True)
    (home / RUN / "games.npy").write_bytes(b"games")
    (home / RUN / "errors.npz").write_bytes(b"errors")
    return path.relative_to(home)


def talk(sshd: Server, question: Callable[[SshShell], Coroutine[Any, Any, Any]]) -> Any:
    async def ask() -> Any:
        async with SshShell("gpu-1", sshd.host(), connection_settings(seconds=2)) as shell:
            return await question(shell)

    return asyncio.run(ask())


def push(sshd: Server, home: Path, parent: Path | None = None) -> staging.Sent:
    found: staging.Sent = talk(sshd, lambda shell: push_training(shell, home, CONFIG, parent))
    return found


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_what_a_training_needs_is_brought_once(sshd: Server, home: Path) -> None:
    parent = model(home)
    assert push(sshd, home, parent).files == 9
    assert files(sshd.home) == files(home)
    assert push(sshd, home, parent) == (0, 0)


def test_the_regression_set_is_where_the_training_is(sshd: Server, home: Path) -> None:
    positions = home / "data" / "positions" / f"{CONFIG}.regression.json"
    positions.parent.mkdir()
    positions.write_bytes(b"positions")
    push(sshd, home)
    assert files(sshd.home) == files(home)
    positions.unlink()
    push(sshd, home)
    assert files(sshd.home) == files(home)


def test_only_what_is_new_goes_over_and_what_the_data_set_has_no_more_goes_away(sshd: Server, home: Path) -> None:
    push(sshd, home)
    (home / "data" / "training" / f"{CONFIG}-a.npz").unlink()
    dataset(home, "training", b=b"second" * 1000, d=b"fourth" * 10)
    assert push(sshd, home).files == 2
    assert files(sshd.home) == files(home)


def test_a_hold_out_set_that_is_no_more_here_is_no_more_there(sshd: Server, home: Path) -> None:
    push(sshd, home)
    for path in (home / "data" / "training").glob(f"{CONFIG}.holdout*"):
        path.unlink()
    push(sshd, home)
    assert files(sshd.home) == files(home)
    assert push(sshd, home) == (0, 0)


def test_a_push_that_is_cut_goes_on_where_it_was_and_no_manifest_is_ahead_of_its_shards(
    sshd: Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "BLOCK", 1 << 16)
    monkeypatch.setattr(staging, "SECONDS", 2.0)
    content = bytes(range(256)) * 8192
    dataset(home, "training", a=content, b=b"second" * 1000)
    wire = Wire(sshd.port)
    sshd.via = wire.port
    wire.cut_after(1 << 20)
    with pytest.raises(Unreachable):
        push(sshd, home)
    wire.close()
    sshd.via = None
    folder = sshd.home / "data" / "training"
    (part,) = folder.iterdir()  # the first shard, on its way
    come = part.stat().st_size
    assert 0 < come < len(content)
    monkeypatch.setattr(staging, "BLOCK", len(content))
    push(sshd, home)
    assert files(sshd.home) == files(home)


def test_what_was_damaged_on_its_way_is_refused_and_sent_again(sshd: Server, home: Path) -> None:
    folder = sshd.home / "data" / "training"
    folder.mkdir(parents=True)
    (folder / f".{CONFIG}-a.npz.coming").write_bytes(b"something else")
    with pytest.raises(JobTrouble, match=r"gpu-1: data/training/hex8_2p-a\.npz: came damaged"):
        push(sshd, home)
    push(sshd, home)
    assert files(sshd.home) == files(home)


def test_whoever_still_sends_a_file_does_not_change_the_one_that_is_there(sshd: Server, home: Path) -> None:
    path = f"data/training/{CONFIG}-a.npz"
    part = sshd.home / "data" / "training" / f".{CONFIG}-a.npz.coming"
    part.parent.mkdir(parents=True)
    script = f"set -- add {sshd.home} {path} 0\n{staging.SCRIPT}"
    with subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE) as late:
        while not part.exists():
            time.sleep(0.02)
        push(sshd, home)
        late.communicate(b"what comes late")
    assert files(sshd.home) == files(home)


def test_the_folder_of_a_host_is_made(sshd: Server, home: Path) -> None:
    sshd.facts["home"] = "~/new/place"
    push(sshd, home)
    assert files(sshd.home / "new" / "place") == files(home)


def test_names_are_no_text_of_shell(sshd: Server, home: Path, tmp_path: Path) -> None:
    name = "data/$(touch hacked) 'a \"b"
    (home / name).write_bytes(b"content")
    assert talk(sshd, lambda shell: staging.push_files(shell, home, [name])) == (1, 7)
    assert (sshd.home / name).read_bytes() == b"content"
    assert talk(sshd, lambda shell: staging.fetch_files(shell, [name], tmp_path / "in", settings_for_tests().sync))
    assert (tmp_path / "in" / name).read_bytes() == b"content"
    assert not (sshd.home / "hacked").exists()


@pytest.mark.parametrize("by", ["rsync", "sftp"])
def test_the_model_comes_back_with_the_report_of_its_run(
    by: str, sshd: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by == "sftp":
        monkeypatch.setattr(staging, "have_rsync", lambda: False)
    home = tmp_path / "here"
    path = model(sshd.home)
    (sshd.home / RUN / "report.json").write_text("{}")
    (sshd.home / RUN / "checkpoints").mkdir()
    (sshd.home / RUN / "checkpoints" / "large").write_text("stays there")

    def fetch(name: str) -> Path:
        settings = settings_for_tests().sync
        found: Path = talk(sshd, lambda shell: fetch_training(shell, home, CONFIG, name, Path(RUN).name, settings))
        return found

    for _ in range(2):
        assert fetch(path.stem) == path
        load_model(home / path)
        expected = files(sshd.home)
        del expected[f"{RUN}/checkpoints/large"]
        assert files(home) == expected
    with pytest.raises(JobTrouble, match=r"gpu-1: models/hex8_2p/ffff\.pth is not there"):
        fetch("ffff")
    shutil.rmtree(home)
    half = home / "data" / ".staged" / "gpu-1" / path
    half.parent.mkdir(parents=True)
    half.write_bytes(b"of another one")
    with pytest.raises(Unreachable, match="came damaged"):
        fetch(path.stem)
    assert not (home / path).exists()
    fetch(path.stem)
    assert json.loads((home / path.with_suffix(".json")).read_bytes())["sha256"].startswith(path.stem)
