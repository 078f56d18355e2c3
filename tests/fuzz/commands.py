"""All commands of `ringrift` with their parameters, found by walking the application: a new one is fuzzed as well."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import typer
from hypothesis import strategies as st
from typer.models import ArgumentInfo, OptionInfo, ParameterInfo

from ringrift.cli import app

NUMBERS = ("0", "1", "2", "-1", "3.5", "1e3", "inf", "nan", "-0", "x", "", "²", "9" * 5000, f"{2**63}", f"{10**20}")
DATES = ("2026-01-01", "99999-01-01", "0001-01-01", "2026-02-30", "now", "")
TEXTS = (
    *("square8_2p", "hex8_3p", "hex9_2p", "square19_4p", "random", "heuristic", "heuristic@1", "gumbel:{best}@8"),
    *("gumbel:heuristic@1000000000", "gumbel:heuristic@" + "9" * 5000, "mixed:", "mixed:999999999xrandom,random"),
    *("", " ", ".", "..", "/", "~", "-", "--", "a" * 5000, "a/b", "\x1b[2J\x07", "\udcff", "two\nlines", "{best}"),
    *("network=[", "losses=3", "losses.value=[[[", "seed=1e400", "seed=" + "9" * 5000, "network=small", "=", "a=b=c"),
    *("losses." * 50 + "x=1", "x=" + "[" * 3000, "epochs=!!int x", "batch=&a [*a]", "[red]", "%s%n", "best", "best~1"),
    *("sqlite://", "postgresql://u:p@127.0.0.1:1/x", "no://such", "sqlite:////no/such/folder/x.db", "abcd", "9" * 20),
)
FILES = (
    *("nowhere", "nowhere.jsonl", "nowhere/a.pth", "empty.jsonl", "empty.jsonl.gz", "noise.jsonl", "deep.jsonl"),
    *("lines.jsonl", "folder", "folder.pth", "noise.pth", "noise.db", "noise.json", ".", "/dev/null", "/dev/zero"),
    *("/dev/full", "/proc/self/mem", "\x1b[2J.jsonl", "\udcff.jsonl", "a\nb.jsonl", "newest", "", "a" * 300),
)


@dataclass(frozen=True)
class Parameter:
    """One option or argument of a command."""

    name: str
    kind: Any
    info: ParameterInfo

    @property
    def kinds(self) -> tuple[Any, ...]:
        """Its type, or those of which it may be one."""
        return typing.get_args(self.kind) or (self.kind,)

    def is_number(self) -> bool:
        return bool({int, float} & set(self.kinds))

    def values(self) -> st.SearchStrategy[str]:
        """Values of its type that are sound, at the edge, or neither."""
        if self.is_number():
            return st.sampled_from(NUMBERS)
        if datetime in self.kinds:
            return st.sampled_from(DATES)
        literals = [
            word
            for kind in (self.kind, *self.kinds)
            if typing.get_origin(kind) is Literal
            for word in typing.get_args(kind)
        ]
        if literals:
            return st.sampled_from([*map(str, literals), "zz", ""])
        paths = any(kind is Path or Path in typing.get_args(kind) for kind in (self.kind, *self.kinds))
        return st.sampled_from(FILES if paths else TEXTS + FILES)

    def words(self) -> st.SearchStrategy[list[str]]:
        """The parameter as words of a command line."""
        if isinstance(self.info, ArgumentInfo):
            return self.values().map(lambda value: [value])
        given = [name.partition("/")[0] for name in self.info.param_decls or () if name.startswith("--")]
        name = given[0] if given else f"--{self.name.rstrip('_').replace('_', '-')}"
        return st.just([name]) if self.kind is bool else self.values().map(lambda value: [f"{name}={value}"])


@dataclass(frozen=True)
class Command:
    """One command."""

    path: tuple[str, ...]
    parameters: tuple[Parameter, ...]

    def __str__(self) -> str:
        return " ".join(self.path)

    def lines(self) -> st.SearchStrategy[list[str]]:
        """Command lines: as a rule with all arguments, and with a few options."""
        arguments = [one.words() for one in self.parameters if isinstance(one.info, ArgumentInfo)]
        options = [one.words() for one in self.parameters if isinstance(one.info, OptionInfo)]
        few = st.lists(st.one_of(options), max_size=3) if options else st.just([])
        return st.tuples(few, st.tuples(*arguments)).map(lambda parts: [*self.path, *chain(*parts[0], *parts[1])])


def commands(application: typer.Typer = app, path: tuple[str, ...] = ()) -> Iterator[Command]:
    """Every command, also of groups in groups."""
    for command in application.registered_commands:
        function = command.callback
        assert function is not None
        name = command.name or function.__name__.replace("_", "-")
        yield Command((*path, name), tuple(parameters(function)))
    for group in application.registered_groups:
        assert group.typer_instance is not None and group.name is not None
        yield from commands(group.typer_instance, (*path, group.name))


def parameters(function: Callable[..., Any]) -> Iterator[Parameter]:
    for name, hint in typing.get_type_hints(function, include_extras=True).items():
        if typing.get_origin(hint) is typing.Annotated:
            (info,) = (one for one in hint.__metadata__ if isinstance(one, ParameterInfo))
            yield Parameter(name, hint.__origin__, info)
