"""This checkout on a bare host: Python, sshd, rsync and an empty home; its packages come from where pip gets them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

import ringrift
from ringrift.fleet.deploy import PACKED, HostDeploy, deploy
from ringrift.fleet.hosts import FleetSettings
from ringrift.run_context import RunContext
from ringrift.settings import DEFAULTS
from ringrift.version import code_version
from tests.fleet.servers import Server, Wire, connection_settings, server, settings_for_tests

REPOSITORY = Path(ringrift.__file__).parents[1]
RINGRIFT = Path(sys.executable).with_name("ringrift")
KEEP = 2

pytestmark = pytest.mark.xdist_group("deploy")  # the packages are installed once


def settings() -> FleetSettings:
    """Two releases stay, nothing is compiled, which would take minutes, and a dead connection is noticed soon."""
    found = settings_for_tests()
    quick = connection_settings(keepalive_seconds=0.5, keepalive_missed=2)
    return found.model_copy(
        update={"connection": quick, "deploy": found.deploy.model_copy(update={"keep": KEEP, "compile": False})}
    )


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    facts = {"extras": [], "python": str(Path(sys.base_prefix, "bin", "python3"))}
    with server(tmp_path_factory.mktemp("deploy") / "gpu-1", "gpu-1", **facts) as found:
        configure_pip(found.home)
        yield found


def configure_pip(home: Path) -> None:
    """Let pip there use what pip here uses: index, certificates and cache."""
    said = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    options = dict(line.split("=", 1) for line in said.stdout.splitlines())
    cache = subprocess.run([sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, text=True, check=False)
    lines = [f"{name.rpartition('.')[2]} = {value.strip(chr(39))}" for name, value in options.items()]
    if cache.returncode == 0 and not any(line.startswith("cache-dir") for line in lines):
        lines.append(f"cache-dir = {cache.stdout.strip()}")
    folder = home / ".config" / "pip"
    folder.mkdir(parents=True)
    (folder / "pip.conf").write_text("\n".join(["[global]", *dict.fromkeys(lines)]) + "\n")


def command(folder: Path, bare: Server, *words: str) -> Any:
    """Run `ringrift hosts deploy` for the host, with settings of its own; what it says."""
    include = folder / "config"
    if not include.exists():
        shutil.copytree(DEFAULTS, include)
        (include / "hosts.yaml").write_text(yaml.safe_dump({"hosts": {"gpu-1": bare.entry()}}))
        (include / "fleet.yaml").write_text(yaml.safe_dump(settings().model_dump()))
    environment = os.environ | {"RINGRIFT_CONFIG_DIR": str(include)}
    done = subprocess.run(
        [RINGRIFT, "hosts", "deploy", *words, "--json", "--database", str(folder / "games.db")],
        capture_output=True,
        text=True,
        env=environment,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = json.loads(done.stdout)["hosts"]
    return found


def program(bare: Server, *words: str) -> str:
    """What the deployed program says to somebody who has nothing of our environment."""
    path = bare.home / "ringrift" / "current" / "bin" / "ringrift"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(bare.home)}
    return subprocess.run([path, *words], capture_output=True, text=True, check=True, env=environment).stdout.strip()


def tree(folder: Path) -> dict[str, int]:
    """All files and folders, and when they were changed."""
    return {str(path.relative_to(folder)): path.lstat().st_mtime_ns for path in folder.rglob("*")}


@contextmanager
def changed_code(folder: Path, version: str) -> Iterator[Path]:
    """A copy of the checkout that calls itself by another version."""
    for part in PACKED:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (folder / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / part)
    init = folder / "ringrift" / "__init__.py"
    text = init.read_text()
    assert ringrift.__version__ in text
    init.write_text(text.replace(ringrift.__version__, version))
    yield folder
    shutil.rmtree(folder)


def bring(bare: Server, source: Path) -> HostDeploy:
    host = bare.host(port=bare.via or bare.port)
    (found,) = deploy({"gpu-1": host}, RunContext(settings()), source=source).hosts
    return found


def test_a_bare_host_runs_this_checkout_and_later_ones(bare: Server, tmp_path: Path) -> None:
    before = tree(bare.home)
    planned = command(tmp_path, bare, "--dry-run")
    assert planned["steps"] == ["install the packages", "bring the code", "switch to it"]
    assert tree(bare.home) == before, "a dry run changes nothing"

    done = command(tmp_path, bare)
    assert done["steps"] == planned["steps"]
    assert program(bare, "--version") == f"ringrift {code_version()}"
    assert "Usage: ringrift game random" in program(bare, "game", "random", "--help")
    assert "nothing to do" in program(bare, "games", "ingest", str(bare.home), "--database", str(tmp_path / "its.db"))
    assert not (bare.home / "ringrift" / "current" / "include" / "config" / "hosts.yaml").exists()

    before = tree(bare.home)
    assert command(tmp_path, bare)["steps"] == [], "all is there"
    assert tree(bare.home) == before

    first = (bare.home / "ringrift" / "current").resolve()
    with changed_code(tmp_path / "cut", "9.8.7") as source:
        wire = Wire(bare.port)
        bare.via = wire.port
        wire.cut_after(300_000)
        cut = bring(bare, source)
        bare.via = None
        wire.close()
        assert cut.steps[-1] == "bring the code"
        assert cut.reaction == "retry later"
        assert "\n" not in cut.trouble
        assert (bare.home / "ringrift" / "current").resolve() == first, "the old version stays"
        assert program(bare, "--version") == f"ringrift {code_version()}"
        assert bring(bare, source).steps == ("bring the code", "switch to it")
    assert program(bare, "--version").startswith("ringrift 9.8.7+")
    assert first.exists()

    with changed_code(tmp_path / "next", "9.8.8") as source:
        assert bring(bare, source).trouble == ""
    assert program(bare, "--version").startswith("ringrift 9.8.8+")
    assert not first.exists(), "older than those to keep"
    assert len(list((bare.home / "ringrift" / "environments").iterdir())) == 1, "all have the same packages"
