"""The private names of numba that `numba_private.py` stands on are there and do what they did.

If a test here fails after an upgrade of numba, mend `ringrift/kernels/numba_private.py`, then raise the bound in
`pyproject.toml`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
from numba.core.bytecode import FunctionIdentity
from numba.core.caching import IndexDataCacheFile
from packaging.requirements import Requirement

from ringrift.kernels.compiled import PACKAGE
from ringrift.kernels.numba_private import SharedCacheFile, compile_into


def add_one(values: np.ndarray[tuple[int], np.dtype[np.int32]]) -> int:
    copied = values[1:]
    return int(copied[0]) + 1


def test_pyproject_allows_no_numba_that_nobody_has_tried() -> None:
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    (bound,) = [needed for needed in map(Requirement, project["dependencies"]) if needed.name == "numba"]
    assert version("numba") in bound.specifier
    major, minor = map(int, version("numba").split(".")[:2])
    assert f"{major}.{minor + 1}.0" not in bound.specifier


def test_machine_code_is_named_after_the_counter_that_we_set() -> None:
    before = next(FunctionIdentity._unique_ids)
    assert before >= 1 << 16, "separate_names() has not set numba's counter of functions"
    name = FunctionIdentity.from_function(add_one).unique_name
    assert name == f"add_one${before + 1}", "numba does not name machine code after FunctionIdentity._unique_ids"


def test_a_kernel_is_kept_under_a_lock_and_counts_no_references(tmp_path: Path) -> None:
    kernel = compile_into(str(tmp_path), add_one)
    assert kernel(np.array([0, 41], np.int32)) == 42
    assert type(kernel._cache._cache_file) is SharedCacheFile
    assert [path.suffix for path in tmp_path.rglob("*.lock")] == [".lock"], "numba does not save through our class"
    assert list(signature(IndexDataCacheFile.save).parameters) == ["self", "key", "data"]
    (machine_code,) = kernel.inspect_llvm().values()
    assert "NRT_" not in machine_code, "numba counts references in spite of _nrt=False"


def test_another_checkout_of_the_same_sources_finds_what_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "def double(number):\n    return 2 * number\n"
    hits = []
    for checkout in ("one", "two"):
        file = tmp_path / checkout / "kernels" / "double.py"
        file.parent.mkdir(parents=True)
        file.write_text(source)
        spec = spec_from_file_location("ringrift.kernels.double", file)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)  # what is kept names its module, and imports it by name
        spec.loader.exec_module(module)
        kernel = compile_into(str(tmp_path / "cache"), module.double)
        assert kernel(21) == 42
        hits.append(sum(kernel.stats.cache_hits.values()))
    assert hits == [0, 1]


def test_a_numba_that_does_not_compile_is_one_clear_line() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("ringrift"), "game", "new", "square8_2p"],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: NUMBA_DISABLE_JIT is set")
    assert done.stderr.count("\n") == 1
