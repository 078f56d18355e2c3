"""Ctrl-C: the first stops the work where it can, the second at once."""

from __future__ import annotations

import os
import signal

import pytest

from ringrift.cli.interrupts import stems_from_interrupt, stop_on_interrupt


def test_the_first_interrupt_is_noted_and_the_second_raised(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), stop_on_interrupt() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.is_set()
        assert capsys.readouterr().err == "stopping; press Ctrl-C again to stop at once\n"
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_is_found_behind_other_errors() -> None:
    def disguised(first: BaseException) -> SystemError:
        try:
            try:
                raise first
            except BaseException as error:
                raise SystemError("returned a result with an exception set") from error
        except SystemError as error:
            return error

    assert stems_from_interrupt(disguised(KeyboardInterrupt()))
    assert not stems_from_interrupt(disguised(ValueError()))


def test_the_exit_code_tells_which_signal_has_stopped_the_work() -> None:
    for sign in (signal.SIGINT, signal.SIGTERM):
        with stop_on_interrupt() as stop:
            os.kill(os.getpid(), sign)
            assert stop.is_set()
        assert stop.exit_code == 128 + sign


def test_service_managers_may_send_their_signal_twice() -> None:
    with stop_on_interrupt() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.is_set()
