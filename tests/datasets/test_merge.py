"""Data sets merge into one with the samples that an export of all their games would have."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringrift.datasets import BadDataset, export, read_manifest
from ringrift.datasets.merge import merge
from ringrift.datasets.validate import validate
from tests.contexts import export_context, quality_context
from tests.datasets.games import files, fill, identities, searched_records, settings, shards


def exported(folder: Path, records: object, **changes: object) -> Path:
    folder.mkdir()
    with fill(folder / "games.db", records) as database:
        export(database, "square8_2p", export_context(settings(shard=500, **changes)), folder=folder)
    return folder / "square8_2p"


def samples(folder: Path) -> dict[tuple[str, int], tuple[bytes, ...]]:
    """What stands under every action of every game of the data set in a folder."""
    found = {}
    for shard in shards(folder, "square8_2p"):
        names = identities([shard])
        for row in range(len(shard["game"])):
            own = slice(*shard["policy_offsets"][row : row + 2].tolist())
            parts = (*(shard[name][row] for name in ("features", "outcome_values", "ownership", "sample_weights")),)
            policy = (shard["policy_actions"][own], shard["policy_probs"][own])
            found[names[shard["game"][row]], int(shard["action_index"][row])] = tuple(
                part.tobytes() for part in (*parts, *policy)
            )
    return found


def test_merged_data_sets_are_those_of_all_games(tmp_path: Path) -> None:
    records = searched_records(count=40, seed=9)
    whole = exported(tmp_path / "whole", records)
    parts = [exported(tmp_path / "a", records[:25]), exported(tmp_path / "b", records[15:])]
    report = merge(parts, tmp_path / "merged", "square8_2p", 500, quality_context())
    expected = samples(whole.parent)
    assert len(expected) > 1000
    assert samples(tmp_path / "merged") == expected
    assert 1 <= report.duplicates <= 10
    manifest = read_manifest(tmp_path / "merged" / "square8_2p.json")
    assert (manifest.samples, manifest.games) == (report.samples, report.games)
    assert len(manifest.provenance["merged"]) == 2
    exported_quality = read_manifest(whole.with_suffix(".json")).provenance["quality"]
    assert manifest.provenance["quality"] == exported_quality
    assert validate(tmp_path / "merged" / "square8_2p", quality_context()).sound


def test_data_sets_of_another_encoding_or_part_do_not_merge(tmp_path: Path) -> None:
    records = searched_records(count=40, seed=9)
    first = exported(tmp_path / "a", records)
    other = exported(tmp_path / "b", records, encoder="v1")
    with pytest.raises(BadDataset, match=r"b/square8_2p\.json: encoder is v1, and that of .* is v2"):
        merge([first, other], tmp_path, "merged", 500, quality_context())
    with pytest.raises(BadDataset, match="part is holdout"):
        merge([first, first.with_name("square8_2p.holdout")], tmp_path, "merged", 500, quality_context())
    assert not files(tmp_path)
