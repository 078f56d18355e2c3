"""The assets that the loop makes: games → data set → candidate → production. Their events carry counts and hashes."""

from __future__ import annotations

from dataclasses import dataclass

from airflow.sdk import Asset


@dataclass(frozen=True)
class Lineage:
    """The assets of one config."""

    games: Asset
    dataset: Asset
    candidate: Asset
    production: Asset


def lineage(config: str) -> Lineage:
    """Return the assets of a config, each with its name in the UI."""
    return Lineage(*(_asset(kind, config) for kind in ("games", "dataset", "candidate", "production")))


def _asset(kind: str, config: str) -> Asset:
    return Asset(name=f"{kind}/{config}", uri=f"ringrift://{kind}/{config}", group="ringrift")
