"""The name of the code that games are played and models are trained with."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from ringrift import __version__
from ringrift.version import code_digest, code_version

PACKAGE = Path(__file__).parents[1] / "ringrift"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of two files."""
    folder = tmp_path / "package"
    (folder / "room").mkdir(parents=True)
    (folder / "a.py").write_text("1\n")
    (folder / "room" / "b.yaml").write_text("c: 2\n")
    return folder


def test_the_name_is_the_release_and_a_digest_of_the_code() -> None:
    assert re.fullmatch(re.escape(__version__) + r"\+c[0-9a-f]{10}", code_version())
    assert code_version().endswith(code_digest(PACKAGE))


def test_the_same_code_has_the_same_name_wherever_it_lies(package: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(package, tmp_path / "releases" / "0123" / "other")
    (copy / "__pycache__").mkdir()
    (copy / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"compiled")
    assert code_digest(copy) == code_digest(package)


def test_every_change_of_the_code_changes_the_name(package: Path) -> None:
    names = [code_digest(package)]
    (package / "a.py").write_text("2\n")
    names.append(code_digest(package))
    (package / "room" / "b.yaml").write_text("c: 3\n")
    names.append(code_digest(package))
    (package / "room" / "b.yaml").rename(package / "b.yaml")
    names.append(code_digest(package))
    (package / "empty.py").touch()
    names.append(code_digest(package))
    assert len(set(names)) == 5
