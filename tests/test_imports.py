"""Names, settings and errors cost little to import: neither numba nor torch is loaded for them."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

HEAVY = {"numba", "torch", "scipy", "pandas", "sqlalchemy"}


def loaded_by(code: str) -> set[str]:
    """Return the top-level names of all modules that a new process has loaded after the code."""
    script = f"import sys\n{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_errors_and_files_need_nothing_but_python() -> None:
    own = loaded_by("import ringrift.errors, ringrift.files") - loaded_by("")
    assert not {name for name in own if name not in sys.stdlib_module_names} - {"ringrift"}


@pytest.mark.parametrize(
    "code",
    [
        "from ringrift.game import BOARDS, configs, parse_config; parse_config('hex8_3p')",
        "from ringrift.agents import known_spec; known_spec('mixed:random,2xgumbel@16')",
        "from ringrift.pipeline.settings import loop_settings; loop_settings()",
        "from ringrift.fleet.hosts import fleet_settings, hosts; fleet_settings(); hosts()",
        "import ringrift.cli",
    ],
)
def test_names_settings_and_help_load_nothing_heavy(code: str) -> None:
    assert not loaded_by(code) & HEAVY


@pytest.mark.parametrize("package", ["ringrift.game", "ringrift.agents"])
def test_every_name_that_a_package_offers_is_there(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        _ = module.no_such_name
