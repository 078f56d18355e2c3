"""The settings of renting hosts (`rent.yaml`)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, ValidationError, model_validator

from ringrift.fleet.hosts import Host, Number
from ringrift.settings import Settings, read_config


class BacklogSettings(Settings):
    """The number of hosts that the missing games are worth."""

    games_per_hour: Number
    """Games of one host."""
    hours: Number


class AwsSettings(Settings):
    """Machines of Amazon's EC2."""

    region: str
    type: str
    image: str | None
    spot: bool
    price_per_hour: Number | None
    """$ of a machine that is not spot."""
    disk_gb: PositiveInt
    subnet: str | None
    security_groups: list[str]


class RentSettings(Settings):
    """All of `rent.yaml`."""

    provider: Literal["aws"] | None
    fleet: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    budget_per_hour: PositiveFloat
    """$ of all rented machines together."""
    most_hosts: NonNegativeInt
    key: str
    services: bool
    """Whether hosts of self-play also play unasked."""
    backlog: BacklogSettings
    start_minutes: Number
    silent_minutes: Number
    shortest_minutes: Number
    leave_minutes: Number
    host: dict[str, Any]
    """Facts of `Host`, but for those that the provider says."""
    aws: AwsSettings

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = sorted({"connection", "address", "port", "key", "host_key"} & set(self.host))
        if given:
            raise ValueError(f"host: {', '.join(given)}: the provider says that of each machine")
        try:
            Host.model_validate(self.host | {"address": "rented"})
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(["host", *map(str, problem["loc"])])
            raise ValueError(f"{where}: {problem['msg'][0].lower()}{problem['msg'][1:]}") from None
        if self.provider == "aws" and self.aws.image is None:
            raise ValueError("aws.image: name the image of the machines, such as ami-0abcdef1234567890")
        if self.provider == "aws" and not self.aws.spot and self.aws.price_per_hour is None:
            raise ValueError("aws.price_per_hour: what a machine costs that is not spot has to be given")
        return self


def rent_settings() -> RentSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config("rent.yaml", RentSettings)
