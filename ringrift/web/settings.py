"""Settings of the web application (`web.yaml`)."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from ringrift.agents import BadSpec, known_spec
from ringrift.settings import Settings, read_config

Port = Annotated[int, Field(ge=1, le=65_535)]
Seconds = Annotated[float | int, Field(gt=0, le=3600)]


def _known_mode(text: str) -> str:
    try:
        known_spec(text)
    except BadSpec as error:
        raise ValueError(str(error)) from None
    return text


class ServiceSettings(Settings):
    """The service that game servers ask for moves."""

    move_seconds: Seconds
    wait_seconds: Seconds
    most_waiting: Annotated[int, Field(ge=1, le=1_000_000)]
    batch_games: Annotated[int, Field(ge=1, le=65_536)]
    batch_requests: Annotated[int, Field(ge=1, le=65_536)]
    loaded_players: Annotated[int, Field(ge=1, le=10_000)]
    megabytes: Annotated[int, Field(ge=100, le=100_000_000)]
    modes: dict[str, Annotated[str, AfterValidator(_known_mode)]]
    """The spec of every mode that a request may name."""


class WebSettings(Settings):
    """All settings of the file."""

    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Port
    request_megabytes: Annotated[int, Field(ge=1, le=256)]
    service: ServiceSettings


def web_settings() -> WebSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config("web.yaml", WebSettings)
