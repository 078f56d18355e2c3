"""Games and data sets that an earlier version has written: they are read under the names of today."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from ringrift.datasets import export, open_dataset
from ringrift.datasets.layout import FORMAT_2_NAMES, MEMBERS
from ringrift.datasets.loader import Loader
from ringrift.datasets.settings import dataset_settings
from ringrift.datasets.validate import validate
from ringrift.game_database import GamesDatabase
from ringrift.run_context import no_progress
from tests.contexts import export_context, quality_context
from tests.old_formats import OLD_FORMATS, unpack

NAME = "square8_2p"


def test_a_data_set_of_format_2_is_read(tmp_path: Path) -> None:
    path = unpack("dataset.tar.gz", tmp_path) / NAME
    dataset = open_dataset(path)
    dataset.verify(no_progress)
    assert dataset.manifest.format == 2
    assert set(MEMBERS) <= dataset.shards[0].keys()
    assert not FORMAT_2_NAMES.keys() & dataset.shards[0].keys()
    (batch,) = Loader(dataset, batch=dataset.samples, shuffle=False, augment=False, epochs=1)
    assert batch.has_policy.sum() == dataset.manifest.policies
    assert validate(path, quality_context()).sound


def test_the_same_games_give_the_same_samples_as_before(tmp_path: Path) -> None:
    """The games are those of a database that an earlier version has written."""
    old = open_dataset(unpack("dataset.tar.gz", tmp_path) / NAME).shards[0]
    (tmp_path / "games.db").write_bytes(gzip.decompress((OLD_FORMATS / "games.db.gz").read_bytes()))
    settings = dataset_settings().model_copy(update={"encoder": "v1"})
    with GamesDatabase(str(tmp_path / "games.db")) as database:
        export(database, NAME, export_context(settings), folder=tmp_path / "new")
    new = open_dataset(tmp_path / "new" / NAME).shards[0]
    assert tuple(new) == MEMBERS
    for name in MEMBERS:
        np.testing.assert_array_equal(new[name], old[name], err_msg=name)


def test_settings_of_before_are_understood() -> None:
    settings = dataset_settings()
    fields = settings.model_dump()
    changed = type(settings).model_validate(fields | {"weights": {"kind": "quality"}})
    assert changed.sample_weights == settings.sample_weights.model_copy(update={"kind": "quality"})
    fields["weights"] = fields.pop("sample_weights")
    assert type(settings).model_validate(fields) == settings
