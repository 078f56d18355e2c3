"""Names of a package that are imported only on first use.

A package such as `ringrift.game` offers names that cost nothing (`parse_config`) beside names that load numba and the
kernels (`Game`). Code that reads settings or parses a DAG file needs the former alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def deferred(package: str, modules: Mapping[str, tuple[str, ...]]) -> Callable[[str], object]:
    """Return the `__getattr__` (PEP 562) of a package that imports each name from its module on first use.

    `modules` holds the names by the module of the package that they stand in. The package imports them under
    `TYPE_CHECKING` too: type checkers read them there, and so does the cache of compiled kernels, which follows
    imports.
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def import_name(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return import_name
