"""No command line ends in a traceback, in silence, or in a complaint of more than one line."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.models import OptionInfo

from ringrift.printable import printable
from tests.fuzz.commands import Command, commands
from tests.fuzz.conftest import FUZZ
from tests.fuzz.program import Ending, Program

pytestmark = pytest.mark.slow

CODES = {0, 1, 2, 75, 130}
"""All that README documents."""
COMMANDS = list(commands())
SERVERS = {"fill", "metrics serve", "web"}
"""Commands that go on until they are stopped, in no processor time: their tests start them themselves."""
WORDS = ("games", "list", "train", "--help", "--version", "", "-", "--", "\x1b", "\udcff", "x" * 5000)
BY_CONFIG = {"players": "compared with what the config says, which tells what is right"}


def check(ending: Ending, words: Sequence[str]) -> None:
    """What holds for every command line."""
    if "SIGXCPU" in ending.err or "SIGKILL" in ending.err:
        return  # a program that it has started was at work for too long, which it reports
    assert "Traceback" not in ending.err
    assert "Aborted" not in ending.err
    if "--raw" not in words:  # lines as they came, for programs
        assert printable(ending.out) == ending.out
    assert printable(ending.err) == ending.err
    assert ending.code < 0 or ending.code in CODES
    if ending.code in (2, 75) and "Usage:" not in ending.out:
        starts = "error: ", '{"time": '  # the latter with --log-json
        *_, complaint = (line for line in ending.err.splitlines() if line.startswith(starts))
        assert sum(line.startswith("error: ") for line in ending.err.splitlines()) <= 1
        assert ending.err.endswith(complaint + "\n"), "nothing follows a complaint"
        assert len(complaint) < 20_000


@pytest.mark.parametrize("command", [command for command in COMMANDS if str(command) not in SERVERS], ids=str)
def test_every_command_line_ends_in_order(command: Command, program: Program) -> None:
    @FUZZ
    @given(words=command.lines())
    def try_out(words: list[str]) -> None:
        check(program.run(words), words)

    try_out()


@FUZZ
@given(
    words=st.lists(
        st.sampled_from(["games", "list", "train", "--help", "--version", "", "-", "\x1b", "\udcff", "x" * 5000])
    )
)
def test_any_words_end_in_order(words: list[str], program: Program) -> None:
    check(program.run(words), words)


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_every_number_has_bounds(command: Command) -> None:
    for parameter in command.parameters:
        if parameter.is_number() and parameter.name not in BY_CONFIG:
            assert isinstance(parameter.info, OptionInfo)
            assert parameter.info.min is not None and math.isfinite(parameter.info.min), parameter.name
            assert parameter.info.max is not None and math.isfinite(parameter.info.max), parameter.name
