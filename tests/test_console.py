"""Nothing that comes from outside reaches a terminal or a log raw."""

from __future__ import annotations

import ast
import asyncio
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

import ringrift
from ringrift.cli.render import rendered
from ringrift.console import console, echo, echo_bytes
from ringrift.fleet import Answer, Job, Work, watch_job
from ringrift.fleet.check import FleetCheck, HostCheck
from ringrift.models import StoredModel
from ringrift.models.lineage import Lineage
from ringrift.printable import one_line, printable
from ringrift.printable_console import PrintableConsole

HOSTILE = "a\x1b]0;owned\x07b\x1b[2Jc\rd\x9b31me\u202ef\u2028g\udcffh\x7f"
SHOWN = r"a\u001b]0;owned\u0007b\u001b[2Jc\u000dd\u009b31me\u202ef\u2028g\udcffh\u007f"


def test_harmful_characters_are_shown_by_their_numbers_and_all_others_as_they_are() -> None:
    assert printable(HOSTILE) == SHOWN
    assert printable("ring, Ringe, ĝojo, 环, 🙂\tand\nmore") == "ring, Ringe, ĝojo, 环, 🙂\tand\nmore"
    assert one_line("two\nlines") == r"two\u000alines"


@given(st.text())
def test_json_stays_the_same_json(text: str) -> None:
    line = json.dumps(text, ensure_ascii=False)
    assert json.loads(printable(line)) == text
    assert printable(printable(line)) == printable(line)


def test_texts_tables_and_trees_are_printed_printable(capsys: pytest.CaptureFixture[str]) -> None:
    echo(HOSTILE)
    echo(HOSTILE, err=True)
    table = Table("name", title=escape(HOSTILE))
    table.add_row(escape(HOSTILE))
    table.add_row(Text(HOSTILE))
    tree = Tree(escape(HOSTILE))
    tree.add(Text(HOSTILE))
    console().print(table, tree, escape(HOSTILE), Text(HOSTILE))
    printed = capsys.readouterr()
    assert printed.out.count(SHOWN) == 5, "of `Text`, rich drops the bell and the like itself"
    assert printed.err == SHOWN + "\n"
    assert printable(printed.out) == printed.out


def test_bytes_are_printable_on_a_terminal_and_untouched_elsewhere(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    echo_bytes(b"\x1b[2J\xff\n")
    sys.stdout.flush()
    assert capfdbinary.readouterr().out == b"\x1b[2J\xff\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    echo_bytes(b"\x1b[2J\xff\n")
    assert capfdbinary.readouterr().out == rb"\u001b[2J\udcff" + b"\n"


def test_what_hosts_and_models_say_is_printed_printable(capsys: pytest.CaptureFixture[str]) -> None:
    host = HostCheck("gpu-1", True, gpus=(HOSTILE,), release=HOSTILE, ringrift="0.1", problems=(HOSTILE,))
    training = {"run": HOSTILE, HOSTILE: [HOSTILE], "dataset": {HOSTILE: {HOSTILE: HOSTILE}}}
    model = StoredModel("0" * 16, "hex8_2p", "development", HOSTILE, "", "", 0, None, None, training)
    reports = FleetCheck((host, replace(host, host="gpu-2"))), Lineage(model, (), (), (), ())
    console().print(*map(rendered, reports))
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert printable(printed) == printed


def test_the_log_of_a_job_is_told_printable() -> None:
    class Host:
        async def run(self, script: bytes, *, seconds: float = 60.0) -> Answer:
            log = HOSTILE.encode("utf-8", "replace") + b"\n"
            return Answer(0, b"state done\ncode 0\nsize %d\n\n" % len(log) + log, "")

        async def close(self) -> None:
            return None

    told: list[str] = []
    asyncio.run(watch_job(Host(), Job("a", "/jobs"), deadline=float("inf"), poll=0.0, tell=told.append))
    assert "\\u001b]0;owned" in "".join(told)
    assert [printable(line) for line in told] == told
    assert Work("true").exports == ""


def test_an_error_that_names_a_file_is_one_printable_line(tmp_path: Path) -> None:
    name = tmp_path / "a\x1b[2J\nb\udcff.jsonl"
    for words in (["game", "show", name], ["train", "hex8_2p", "--from", name], ["status", f"--{name.name}"]):
        done = subprocess.run([Path(sys.executable).with_name("ringrift"), *words], capture_output=True, cwd=tmp_path)
        said = done.stderr.decode()
        assert done.returncode == 2
        assert said.startswith("error: ") and said.count("\n") == 1
        assert printable(said) == said


def printing() -> Iterator[str]:
    """Every place of the package that prints other than through the console."""
    allowed = {"console.py", "printable_console.py", "__main__.py"}
    for path in sorted(Path(ringrift.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and path.name not in allowed:
                called = ast.unparse(node.func)
                if called in ("print", "typer.echo", "typer.secho", "Console", "rich.print") or (
                    called.startswith(("sys.stdout.", "sys.stderr.")) and called.endswith(("write", "writelines"))
                ):
                    yield f"{path.name}: {ast.unparse(node)}"


def test_everything_is_printed_through_the_console() -> None:
    events = "trial_run.py: print(json.dumps({'kind': kind, **values}), file=out, flush=True)"
    assert list(printing()) == [events], "what the process of a trial says is read by the gate alone"


def test_a_table_that_is_too_wide_is_folded_and_its_ids_stay_whole() -> None:
    table = Table("id", "what")
    table.add_row("0123456789abcdef", "a word " * 30 + "averyverylongword" * 5)
    screen = PrintableConsole(width=60, file=io.StringIO(), record=True)
    screen.print(table)
    text = screen.export_text()
    assert "0123456789abcdef" in text
    assert "…" not in text
    assert all(len(line) <= 60 for line in text.splitlines())
