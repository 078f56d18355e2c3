"""Datasets: games of the database as arrays to learn from.

The loader needs torch, so it is imported by itself: `from ringrift.datasets.loader import Loader`.
"""

from __future__ import annotations

from ringrift.datasets.dataset import Dataset, open_dataset
from ringrift.datasets.export import ExportReport, Share, ShareReport, export, export_share
from ringrift.datasets.game_selection import Filters
from ringrift.datasets.layout import BadDataset, Layout
from ringrift.datasets.manifest import Manifest, read_manifest

__all__ = [
    "BadDataset",
    "Dataset",
    "ExportReport",
    "Filters",
    "Layout",
    "Manifest",
    "Share",
    "ShareReport",
    "export",
    "export_share",
    "open_dataset",
    "read_manifest",
]
