"""A provider whose machines are hosts of these tests: a real sshd each, in a network of its own where it may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import asyncssh

from ringrift.fleet.provider import NothingToRent, Order, RentedMachine
from ringrift.fleet.rent_settings import RentSettings, rent_settings
from tests.system.networks import Machine, machine

Make = Callable[..., AbstractContextManager[Machine]]
"""Makes a machine of a folder, a name, a number and its keys."""


class RentedServers:
    """A `Provider`; a machine that vanishes is gone without a word, as a spot machine is."""

    def __init__(self, folder: Path, price: float = 0.4, first_number: int = 60, make: Make = machine) -> None:
        self.sold_out = False
        self.running: dict[str, Machine] = {}
        self.started = 0
        self._folder = folder
        self._price = price
        self._make = make
        self._names: dict[str, str] = {}
        self._ends: dict[str, ExitStack] = {}
        self._numbers = count(first_number)

    def machines(self) -> Sequence[RentedMachine]:
        return [
            RentedMachine(identity, self._names[identity], "running", one.host.address, one.host.via or one.host.port)
            for identity, one in self.running.items()
        ]

    def price(self) -> float:
        return self._price

    def start(self, order: Order) -> str:
        if self.sold_out:
            raise NothingToRent("there is no machine of the kind")
        identity = f"i-{self.started}"
        self.started += 1
        stack = ExitStack()
        keys = (order.host_key, order.user_key)
        self.running[identity] = stack.enter_context(
            self._make(self._folder / identity, order.name, next(self._numbers), keys=keys)
        )
        self._names[identity], self._ends[identity] = order.name, stack
        return identity

    def end(self, identity: str) -> None:
        if identity in self.running:
            self.vanish(identity)

    def vanish(self, identity: str) -> None:
        del self.running[identity]
        self._ends.pop(identity).close()

    def close(self) -> None:
        for identity in list(self.running):
            self.vanish(identity)


def settings_of_rent(folder: Path, **changes: Any) -> RentSettings:
    """The default settings with an SSH key of the test."""
    key = folder / "fleet_key"
    if not key.exists():
        made = asyncssh.generate_private_key("ssh-ed25519")
        made.write_private_key(key)
        key.chmod(0o600)
        made.write_public_key(f"{key}.pub")
    facts = {"user": "root", "roles": ["selfplay"], "home": "~", "slots": 2}
    settings = rent_settings().model_copy(update={"key": str(key), "services": False, "host": facts} | changes)
    return RentSettings.model_validate(settings.model_dump())
