"""How commands tell how far they are."""

from __future__ import annotations

import io

import pytest

from ringrift.cli.progress import progress, tracked


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("ringrift.cli.progress.time", clock)
    return clock


def test_silences_between_lines_double_up_to_the_longest(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as tell:
        for second in range(500):
            clock.seconds = 1000.0 + second
            tell("games", second, None)
    told = capsys.readouterr().err.splitlines()
    seconds = [3, 9, 21, 45, 93, 189, 309, 429]  # after 3, 6, 12, 24, 48, 96, 120 and 120 seconds
    assert told == [f"games: {second}, 1.00/s" for second in seconds]


def test_rate_and_time_left_are_of_what_is_done_since_it_was_first_told(
    clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringrift.cli.progress.FIRST_LINE", 0.0)
    with progress() as tell:
        tell("games", 1000, 9000, "won 3 : 4")
        clock.seconds += 10
        tell("games", 1020, 9000, "won 5 : 5")
        tell("reading", 0, 1)
        clock.seconds += 1
        tell("reading", 0.25, 1, "8 new games")
        tell("reading", 0, 1, "of the next one")
        clock.seconds += 100
        tell("reading", 0.5, 1)
    assert capsys.readouterr().err.splitlines() == [
        "games: 1,000 of 9,000, won 3 : 4",
        "games: 1,020 of 9,000, 2.00/s, about 1 h 6 min left, won 5 : 5",
        "reading: 0%",
        "reading: 25%, about 3 s left, 8 new games",
        "reading: 0%, of the next one",
        "reading: 50%, about 1 min 40 s left",
    ]


def test_items_are_counted_when_they_are_done_with(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringrift.cli.progress.FIRST_LINE", 0.0)
    assert list(tracked("abc", "letters")) == ["a", "b", "c"]
    told = capsys.readouterr().err.splitlines()
    assert [line[:15] for line in told] == [f"letters: {count} of 3" for count in range(4)]


def test_a_terminal_shows_a_bar_and_what_goes_elsewhere_goes_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress() as tell:
        tell("games of [a] – [b]", 3, 8, "won 1 : 2")
        print("the report")
    assert "games of [a] – [b]: 3 of 8, won 1 : 2" in terminal.getvalue()
    assert capsys.readouterr().out == "the report\n"
    assert "the report" not in terminal.getvalue()
