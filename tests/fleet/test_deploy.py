"""Bare hosts get code and environment, once."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringrift.fleet.deploy import HostDeploy, deploy, pack
from ringrift.fleet.hosts import FleetSettings
from ringrift.run_context import RunContext
from ringrift.settings import DEFAULTS, BadSettings
from tests.fleet.servers import Server, server, settings_for_tests, small_programs

PROJECT = """[project]
name = "ringrift"
version = "1"
dependencies = []
[project.optional-dependencies]
learn = []
all = ["ringrift[learn]"]
"""


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Server]:
    with server(tmp_path / "host", "gpu-1") as found:
        yield found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A checkout of a RingRift that needs no packages and says only its version."""
    folder = tmp_path / "source"
    (folder / "ringrift" / "cli").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "constraints.txt").write_text("")
    (folder / "README.md").write_text("")
    (folder / "ringrift" / "__init__.py").write_text("")
    (folder / "ringrift" / "cli" / "__init__.py").write_text(
        "import sys\ndef main():\n    print('ringrift 1.2.3', *sys.argv[1:])\n"
    )
    return folder


def settings_with(**changes: object) -> FleetSettings:
    settings = settings_for_tests()
    return settings.model_copy(update={"deploy": settings.deploy.model_copy(update=changes)})


def bring(sshd: Server, source: Path, *, dry_run: bool = False, **changes: object) -> HostDeploy:
    host = sshd.host(**changes)
    (found,) = deploy({"gpu-1": host}, RunContext(settings_with(keep=2)), source=source, dry_run=dry_run).hosts
    return found


def program(sshd: Server, *words: str) -> str:
    path = sshd.home / "ringrift" / "current" / "bin" / "ringrift"
    environment = {"PATH": os.environ["PATH"]}
    return subprocess.run([path, *words], capture_output=True, text=True, check=True, env=environment).stdout.strip()


def test_a_bare_host_gets_a_program_and_a_second_time_nothing(sshd: Server, source: Path) -> None:
    planned = bring(sshd, source, dry_run=True)
    assert planned.steps == ("install the packages", "bring the code", "compile the rules", "switch to it")
    assert not (sshd.home / "ringrift").exists()
    done = bring(sshd, source)
    assert (done.steps, done.trouble) == (planned.steps, "")
    assert program(sshd, "a b", "$(c)") == "ringrift 1.2.3 a b $(c)"
    assert bring(sshd, source).steps == ()
    assert bring(sshd, source, dry_run=True).steps == ()


def test_new_code_takes_the_place_of_the_old_and_what_runs_keeps_its_own(sshd: Server, source: Path) -> None:
    bring(sshd, source)
    old = (sshd.home / "ringrift" / "current").resolve()
    for number in range(3):
        (source / "ringrift" / "cli" / "__init__.py").write_text(f"def main():\n    print('ringrift 2.{number}')\n")
        assert bring(sshd, source).steps == ("bring the code", "compile the rules", "switch to it")
        assert program(sshd) == f"ringrift 2.{number}"
        assert old.exists() == (number == 0), "two releases are kept"
    assert len(list((sshd.home / "ringrift" / "environments").iterdir())) == 1


def test_a_new_list_of_packages_makes_a_new_environment(sshd: Server, source: Path) -> None:
    bring(sshd, source)
    (source / "constraints.txt").write_text("# another\n")
    assert "install the packages" in bring(sshd, source).steps
    assert program(sshd) == "ringrift 1.2.3"


def test_what_is_in_use_stays_also_where_older_releases_seem_to_be_of_the_future(sshd: Server, source: Path) -> None:
    for number in range(4):
        (source / "ringrift" / "cli" / "__init__.py").write_text(f"def main():\n    print('ringrift 2.{number}')\n")
        (source / "constraints.txt").write_text(f"# {number}\n")
        assert not bring(sshd, source).trouble
        assert program(sshd) == f"ringrift 2.{number}"
        for place in ("releases", "environments"):
            made = list((sshd.home / "ringrift" / place).iterdir())
            assert len(made) == min(number + 1, 2), "two are kept"
            for path in made:
                os.utime(path, (2**32, 2**32))


def test_a_host_with_busybox_keeps_what_is_in_use_and_one_more(source: Path, tmp_path: Path) -> None:
    with server(tmp_path / "small", "gpu-1", programs=small_programs(tmp_path / "programs")) as sshd:
        for number in range(3):
            (source / "constraints.txt").write_text(f"# {number}\n")
            assert not bring(sshd, source).trouble
            assert program(sshd) == "ringrift 1.2.3"
            for place in ("releases", "environments"):
                assert len(list((sshd.home / "ringrift" / place).iterdir())) == min(number + 1, 2)


def test_a_program_that_does_not_start_is_not_switched_to(sshd: Server, source: Path) -> None:
    bring(sshd, source)
    (source / "ringrift" / "cli" / "__init__.py").write_text("import nothing_of_that_name\n")
    assert "the rules cannot be compiled" in bring(sshd, source).trouble
    assert program(sshd) == "ringrift 1.2.3"


def test_what_a_host_lacks_is_one_line(sshd: Server, source: Path) -> None:
    found = bring(sshd, source, python="python2.0")
    assert "there is no Python 3.11 or newer named 'python2.0'" in found.trouble
    assert found.reaction == "other host"
    (sshd.home / "file").write_text("")
    found = bring(sshd, source, code="~/file")
    assert found.trouble
    assert "\n" not in found.trouble


def test_the_package_is_the_same_whenever_its_files_are_and_holds_no_addresses(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings"
    settings.mkdir()
    (settings / "hosts.yaml").write_text("hosts: {}\n")
    (settings / "games.yaml").write_text("max_moves: {}\n")
    shutil.copy(DEFAULTS / "database.yaml", settings)
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(settings))
    first = pack(source, ["learn"])
    (settings / "hosts.yaml").write_text("hosts: {a: b}\n")
    os.utime(source / "pyproject.toml", (1, 1))
    assert pack(source, ["all"]) == first
    (settings / "games.yaml").write_text("max_moves: {a: 1}\n")
    assert pack(source, ["learn"]).release != first.release
    with pytest.raises(BadSettings, match="extra 'lern': unknown; did you mean 'learn'"):
        pack(source, ["lern"])
    with pytest.raises(BadSettings, match="is no checkout of RingRift"):
        pack(tmp_path, [])


@pytest.mark.parametrize("url", ["postgresql://us:secret@db/games", "postgresql://db/games?password=secret"])
def test_no_password_goes_to_a_host(url: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DEFAULTS / "database.yaml").read_text("utf-8")
    settings = tmp_path / "settings"
    settings.mkdir()
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(settings))
    (settings / "database.yaml").write_text(text.replace("sqlite:///data/games/ringrift.db", url))
    with pytest.raises(BadSettings, match=r"database\.yaml: url: has a password.*RINGRIFT_DATABASE") as caught:
        pack(source, [])
    assert "secret" not in str(caught.value)
    (settings / "database.yaml").write_text(text)
    monkeypatch.setenv("RINGRIFT_DATABASE", url)
    assert b"secret" not in gzip.decompress(pack(source, []).code)
