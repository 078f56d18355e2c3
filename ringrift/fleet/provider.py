"""The provider of rented machines, as this fleet sees it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ringrift.errors import RingRiftError


class ProviderTrouble(RingRiftError):
    """A provider that does not answer, or refuses what it is asked."""


class NothingToRent(ProviderTrouble):
    """A provider that has no machine of the kind just now."""


@dataclass(frozen=True)
class RentedMachine:
    """A machine that carries the tag of this fleet, and has not ended."""

    identity: str
    """The provider's name of it."""
    name: str
    """Our name of it, which the order gave; empty for one that has none."""
    state: Literal["starting", "running", "stopped"]
    address: str | None = None
    port: int = 22


@dataclass(frozen=True)
class Order:
    """A machine to be started."""

    name: str
    """Unlike all names before; the same order twice is one machine."""
    user_key: str
    """The public key of SSH that its user lets in."""
    host_key: str = field(repr=False)
    """The private key by which the machine shows that it is the one that was ordered, in OpenSSH's format."""
    host_public_key: str

    def cloud_config(self) -> str:
        """Return what cloud-init makes of a machine at its first start: the keys, and nothing else."""
        keys = {"ed25519_private": self.host_key, "ed25519_public": self.host_public_key}
        content = {"ssh_deletekeys": True, "ssh_keys": keys, "ssh_authorized_keys": [self.user_key]}
        return f"#cloud-config\n{json.dumps(content)}\n"


class Provider(Protocol):
    """A provider; every method raises `ProviderTrouble` in one line."""

    def machines(self) -> Sequence[RentedMachine]:
        """Return all machines of this fleet, also those without a rental here."""
        ...

    def price(self) -> float:
        """Return what one more machine costs now, in $ an hour."""
        ...

    def start(self, order: Order) -> str:
        """Start a machine, and return its identity; `NothingToRent` if there is none now."""
        ...

    def end(self, identity: str) -> None:
        """End a machine, and what it is billed for; one that has ended already is none to complain of."""
        ...
