"""The name of the code that a model was trained with."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from ringrift import __version__
from ringrift.version import _code, code_version


def git(folder: Path, *words: str) -> str:
    known = ("-c", "user.name=a test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", folder, *known, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One file in one commit, with a tag, which is no part of the name."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "code.py").write_text("1\n")
    git(tmp_path, "add", "code.py")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    git(tmp_path, "tag", "--annotate", "--message", "it", "v1")
    return tmp_path


def test_it_begins_with_the_version() -> None:
    assert re.fullmatch(re.escape(__version__) + r"(\+[gr][0-9a-f]{7,}(\.dirty)?)?", code_version())


def test_a_checkout_is_named_by_its_commit_and_whether_it_is_changed(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "--short=7", "HEAD")
    (checkout / "games.db").write_text("is not part of it")
    assert _code(checkout) == f"+g{commit}"
    (checkout / "code.py").write_text("2\n")
    assert _code(checkout) == f"+g{commit}.dirty"


def test_a_release_on_a_host_is_named_by_its_own_name(tmp_path: Path) -> None:
    assert _code(tmp_path / "code" / "releases" / "0123456789abcdef") == "+r0123456789abcdef"


def test_packages_in_the_checkout_of_another_project_are_not_named_after_that(checkout: Path) -> None:
    packages = checkout / ".venv" / "lib" / "site-packages"
    packages.mkdir(parents=True)
    assert _code(packages) == ""


@pytest.mark.parametrize("trouble", ["no commits", "no repository", "no git"])
def test_nothing_that_git_has_to_say_is_an_error(trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if trouble == "no commits":
        git(tmp_path, "init", "--quiet")
    else:
        (tmp_path / ".git").write_text("gitdir: /nowhere\n")
    if trouble == "no git":
        monkeypatch.setenv("PATH", str(tmp_path))
    assert _code(tmp_path) == ""
