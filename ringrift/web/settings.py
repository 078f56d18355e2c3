"""Settings of the web application (`web.yaml`)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ringrift.settings import Settings, read_config

Port = Annotated[int, Field(ge=1, le=65_535)]


class WebSettings(Settings):
    """All of the file."""

    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Port
    request_megabytes: Annotated[int, Field(ge=1, le=256)]


def web_settings() -> WebSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config("web.yaml", WebSettings)
