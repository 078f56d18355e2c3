"""Docstrings are whole sentences or complete noun phrases, and never hang on the name above them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from ringrift.kernels.compiled import PACKAGE

REPOSITORY = PACKAGE.parent
FRAGMENT = re.compile(r"(Of|For|As|By|That|In|At|To|With|From|On|And|Also|Else|Between|Beside)\b")
"""The words with which a docstring begins that goes on with the sentence of its name."""


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """The line and the text of every string that stands alone: of modules, classes, functions and fields."""
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            match statement:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield statement.lineno, text


def test_a_fragment_is_found() -> None:
    assert list(docstrings('"""A module."""\nSECONDS = 3\n"""Of the host."""\n')) == [
        (1, "A module."),
        (3, "Of the host."),
    ]
    assert FRAGMENT.match("Of the host.")
    assert not FRAGMENT.match("Official time of the host.")


@pytest.mark.parametrize("folder", ["ringrift", "plugins", "dags"])
def test_no_docstring_is_a_fragment(folder: str) -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}:{line}: {text.splitlines()[0]}"
        for path in sorted((REPOSITORY / folder).rglob("*.py"))
        for line, text in docstrings(path.read_text())
        if text and FRAGMENT.match(text)
    ]
    assert found == []
