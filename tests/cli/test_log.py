"""What is logged: warnings by default, more or less on demand, JSON for machines, everything with one variable."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from ringrift.cli import app
from ringrift.cli.log import KERNELS, log_every_command, set_up_logging, telling


def commands(application: typer.Typer) -> Iterator[typer.models.CommandInfo]:
    yield from application.registered_commands
    for group in application.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance)


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger().level
    yield
    set_up_logging()
    logging.getLogger().setLevel(root)


def talking() -> typer.Typer:
    """An application with a command that logs at every level."""
    talkative = typer.Typer()

    @talkative.command()
    def talk() -> None:
        for name in ("ringrift.fleet", "ringrift.selfplay", KERNELS, "elsewhere"):
            for level in ("debug", "info", "warning", "error"):
                logging.getLogger(name).log(getattr(logging, level.upper()), "%s of %s", level, name)

    @talkative.command()
    def tell() -> None:
        with telling("ringrift.selfplay"):
            logging.getLogger("ringrift.selfplay.run").info("a new model")
        logging.getLogger("ringrift.selfplay.run").info("not shown")

    log_every_command(talkative)
    return talkative


def logged(*words: str) -> list[str]:
    done = CliRunner().invoke(talking(), words)
    assert done.exit_code == 0, done.output
    return done.stderr.splitlines()


def test_every_command_takes_the_options_of_the_log() -> None:
    found = [command.callback for command in commands(app)]
    assert len(found) > 40
    for callback in found:
        assert callback is not None
        assert {"log_level", "verbose", "log_json"} <= set(callback.__annotations__), callback


def test_warnings_are_shown_by_default_and_that_kernels_are_compiled() -> None:
    assert logged("talk") == [
        "warning of ringrift.fleet",
        "error of ringrift.fleet",
        "warning of ringrift.selfplay",
        "error of ringrift.selfplay",
        f"info of {KERNELS}",
        f"warning of {KERNELS}",
        f"error of {KERNELS}",
    ]


@pytest.mark.parametrize(
    ("words", "least"), [(("-v",), "info"), (("--log-level", "debug"), "debug"), (("--log-level", "error"), "error")]
)
def test_more_or_less_is_shown_on_demand(words: tuple[str, ...], least: str) -> None:
    levels = ["debug", "info", "warning", "error"]
    wanted = levels[levels.index(least) :]
    lines = logged("talk", *words)
    assert [line.split()[-3] for line in lines if line.endswith("ringrift.fleet")] == wanted
    assert not any("elsewhere" in line for line in lines)


def test_lines_for_machines_are_json() -> None:
    lines = [json.loads(line) for line in logged("talk", "--log-json", "--log-level", "info")]
    assert lines[0].keys() == {"time", "level", "logger", "message"}
    assert (lines[0]["level"], lines[0]["logger"], lines[0]["message"]) == (
        "info",
        "ringrift.fleet",
        "info of ringrift.fleet",
    )


def test_one_variable_shows_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGRIFT_TRACE_DEBUG", "1")
    lines = logged("talk")
    assert len([line for line in lines if " of " in line]) == 16, "also what libraries say"
    assert any("elsewhere: debug of elsewhere" in line for line in lines)


def test_a_command_may_tell_what_one_part_notes() -> None:
    (line,) = logged("tell")
    assert line.endswith(" a new model")


def test_an_unknown_level_is_one_line() -> None:
    done = CliRunner().invoke(talking(), ["talk", "--log-level", "loud"])
    assert done.exit_code == 2
    assert "loud" in done.stderr
