"""YAML as people write it: strict, bounded, and without the traps of its first version.

Differences to `yaml.safe_load`: `3e-4` is a number, and `010`, `1:30` and `2026-01-01` are texts; a name is never taken
for something else (`no:` is the host «no»); a name that stands there twice, a tag (`!!int`), an alias within itself and
a text that is too deep, or grows too large by its aliases, are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Final

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError
from yaml.events import AliasEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

DEEPEST: Final = 30
"""Levels of lists and mappings; our own settings have five."""
LARGEST: Final = 100_000
"""Values and names, each as often as aliases repeat it."""

LARGEST_NUMBER: Final = 2**63 - 1
_MERGE: Final = "tag:yaml.org,2002:merge"
_INT: Final = "tag:yaml.org,2002:int"
_FLOAT: Final = "tag:yaml.org,2002:float"
_STR: Final = "tag:yaml.org,2002:str"


class BadYaml(ValueError):
    """A text that is no YAML as we accept it; the message says why and where in a line."""


def parse_yaml(text: str) -> Any:
    """Return the value of a text; `BadYaml` if it is none."""
    try:
        return yaml.load(text, _Loader)  # a SafeLoader
    except (yaml.YAMLError, ValueError) as error:  # a whole number of thousands of digits is a ValueError
        raise BadYaml(" ".join(str(error).split())) from None


def line_of(text: str, field: Sequence[int | str]) -> int | None:
    """Return the line, from 1, in which a field of a sound text stands, or the innermost that should hold it."""
    node, line = yaml.compose(text, _Loader), None
    for part in field:
        if isinstance(node, MappingNode):
            inner = next((pair for pair in node.value if pair[0].value == str(part)), None)
        elif isinstance(node, SequenceNode) and isinstance(part, int):
            inner = (node.value[part], node.value[part])
        else:
            break
        if inner is None:
            break
        line, node = inner[0].start_mark.line + 1, inner[1]
    return line


class _Loader(yaml.SafeLoader):
    """A loader that checks every node when it is composed, before any value is made of it."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012, the loader's own form

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._size = 0
        self._sizes: dict[Node, int] = {}
        """The sizes of the nodes that are complete, with what their aliases repeat."""

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        """Compose the next node."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        mark: Any = event.start_mark
        if getattr(event, "tag", None):
            raise ComposerError(None, None, f"there are no tags, such as {event.tag}, in settings", mark)
        before = self._size
        self._depth += 1
        self._size += 1
        if self._depth > DEEPEST:
            raise ComposerError(None, None, f"nested more than {DEEPEST} levels deep", mark)
        node = super().compose_node(parent, index)
        if isinstance(event, AliasEvent):
            if node not in self._sizes:
                raise ComposerError(None, None, f"*{event.anchor} holds itself", mark)
            self._size += self._sizes[node]
        if self._size > LARGEST:
            raise ComposerError(None, None, f"more than {LARGEST:,} values", mark)
        self._depth -= 1
        if node is not None and node not in self._sizes:
            self._sizes[node] = self._size - before
        return node

    def compose_mapping_node(self, anchor: Any) -> MappingNode:
        """Compose a mapping, whose names are texts or whole numbers, and differ."""
        node = super().compose_mapping_node(anchor)
        names = set()
        for key, _ in node.value:
            mark: Any = key.start_mark
            if not isinstance(key, ScalarNode):
                raise ComposerError(None, None, "a name has to be a word", mark)
            if key.tag not in (_MERGE, _INT):
                key.tag = _STR
            if key.value in names:
                raise ComposerError(None, None, f"{key.value!r} stands there twice", mark)
            names.add(key.value)
        return node


def _number(loader: _Loader, node: ScalarNode) -> int | float:
    """Make a number, none so large that a clock, a column or an array could not hold it."""
    whole = node.tag == _INT
    value: int | float = loader.construct_yaml_int(node) if whole else loader.construct_yaml_float(node)
    if abs(value) > (LARGEST_NUMBER if whole else float(LARGEST_NUMBER)) and abs(value) != math.inf:
        raise ConstructorError(None, None, "a number of more than 63 bits", node.start_mark)
    return value


_Loader.add_constructor(_INT, _number)
_Loader.add_constructor(_FLOAT, _number)
for _tag, _form, _first in (
    ("bool", r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF", "yYnNtTfFoO"),
    ("int", r"[-+]?(0|[1-9][0-9_]*)", "-+0123456789"),
    ("float", r"[-+]?([0-9][0-9_]*\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_form})$"), list(_first))
