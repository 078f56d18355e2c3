"""Settings of reanalysis (`reanalysis.yaml`)."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, PositiveInt

from ringrift.agents.spec import BadSpec, Spec
from ringrift.errors import RingRiftError
from ringrift.settings import Settings, read_config


def check_search(text: str) -> None:
    """Raise `BadSpec` if a spec is no way for a model to search every decision in full."""
    spec = Spec.parse(text)
    if spec.mode not in ("gumbel", "puct") or spec.model is not None:
        raise BadSpec(f"search {text!r}: is to be gumbel or puct without a model, such as gumbel@64?noise=1")
    if short := sorted({"full", "fast", "temperature", "reuse"} & spec.options.keys()):
        raise BadSpec(f"search {text!r}: every decision gets a full search of its own, without {', '.join(short)}")


def _checked(text: str) -> str:
    try:
        check_search(text)
    except RingRiftError as error:
        raise ValueError(str(error)) from None
    return text


class ReanalysisSettings(Settings):
    """All of the file."""

    share: Annotated[float, Field(gt=0, le=1)]
    search: Annotated[str, AfterValidator(_checked)]
    games: PositiveInt
    batch: dict[str, PositiveInt]


def reanalysis_settings() -> ReanalysisSettings:
    """Read the settings; `BadSettings` says what is wrong in them."""
    return read_config("reanalysis.yaml", ReanalysisSettings)
