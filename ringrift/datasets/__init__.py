"""Data sets: games of the database as arrays to learn from."""

from __future__ import annotations

from ringrift.datasets.export import ExportReport, export
from ringrift.datasets.layout import BadDataset, Layout
from ringrift.datasets.manifest import Manifest, read_manifest
from ringrift.datasets.pool import Filters

__all__ = ["BadDataset", "ExportReport", "Filters", "Layout", "Manifest", "export", "read_manifest"]
