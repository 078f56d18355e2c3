"""The wheel, in an environment of its own and far from the checkout: it has its settings with it, and plays."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from ringrift.game.records import read_records
from ringrift.version import code_version

REPOSITORY = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "README.md", "ringrift", "plugins")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of a copy of the sources: a folder `build/` of an older one would leave its files in the new one."""
    folder = tmp_path_factory.mktemp("wheel")
    (folder / "sources").mkdir()
    for name in SOURCES:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / "sources" / name, ignore=LEFT_OUT)
        else:
            shutil.copy(source, folder / "sources" / name)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(folder / "sources"))
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ringrift` of an environment with the wheel, which finds what it depends on in the running one."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    where = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip())
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return environment / "bin" / "ringrift"


def pip(*words: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def run(program: Path, folder: Path, *words: str) -> str:
    """Return what the program prints in a folder, without anything that leads to the checkout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RINGRIFT_", "PYTHON"))}
    environment |= {name: value for name, value in os.environ.items() if name == "RINGRIFT_CACHE_DIR"}
    done = subprocess.run([program, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_all_that_the_packages_do(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        entry_points = archive.read(next(n for n in archive.namelist() if n.endswith("entry_points.txt"))).decode()
    here = subprocess.run(["git", "ls-files", "ringrift", "plugins"], cwd=REPOSITORY, capture_output=True, text=True)
    outside = (
        "plugins/.airflowignore",
        "plugins/pyproject.toml",
        "plugins/ringrift_plugin.py",
    )  # for a folder of plugins
    files = {name for name in here.stdout.split() if name not in outside and (REPOSITORY / name).exists()}
    assert packed == {name.removeprefix("plugins/") for name in files}
    assert "[airflow.plugins]\nringrift = ringrift_airflow.plugin:RingRiftPlugin" in entry_points


def test_the_installed_program_plays_by_its_own_settings_and_those_of_the_folder(program: Path, tmp_path: Path) -> None:
    assert run(program, tmp_path, "--version") == f"ringrift {code_version()}\n"

    watched = ("play", "square8_2p", "--watch", "--against", "random", "--delay", "0", "--record", "game.jsonl")
    assert "player 1: random, player 2: random" in run(program, tmp_path, *watched)
    ((_, record),) = read_records(tmp_path / "game.jsonl")
    assert record["code"] == code_version()

    words = ("selfplay", "square8_2p", "--players", "random", "--games", "2", "--json")
    report = json.loads(run(program, tmp_path, *words))
    (games,) = Path(tmp_path, report["folder"]).glob("*.jsonl.gz")
    assert [game["code"] for _, game in read_records(games)] == [code_version()] * 2

    overlay = tmp_path / "include" / "config" / "loop.yaml"
    overlay.parent.mkdir(parents=True)
    overlay.write_text(
        "presets: {smoke: {selfplay: {shards: 1, games: 2, players: random}, training: {new_games: 1234}}}\n"
    )
    told = run(program, tmp_path, "loop", "square8_2p", "--preset", "smoke", "--json")
    assert "1234" in told.replace(",", "")
