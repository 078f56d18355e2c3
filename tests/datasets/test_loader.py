"""The loader streams what was written, under symmetries, in an order that nothing but the seed decides."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ringrift.datasets import BadDataset, open_dataset
from ringrift.datasets.layout import POLICIES
from ringrift.datasets.loader import Batch, Loader, WrongPosition
from ringrift.encoding import symmetries
from ringrift.game.actions import PLANE_REGION, plane_move
from tests.datasets.synthetic import COUNTS, position_members, random_dataset, random_members, write_dataset
from tests.encoding.positions import encode, random_position, rewritten

SAMPLES = sum(COUNTS)


@pytest.fixture
def dataset(tmp_path: Path) -> Any:
    return open_dataset(random_dataset(tmp_path))


def same(first: Batch, other: Batch) -> bool:
    return all(torch.equal(left, right) for left, right in zip(first, other, strict=True))


def same_streams(first: Iterator[Batch], other: Iterator[Batch]) -> bool:
    return all(same(left, right) for left, right in zip(first, other, strict=True))


def entries(batch: Batch, kind: str, row: int) -> tuple[Any, Any]:
    """Actions and probabilities of one row: of `policy` or `opponent_policy`."""
    offsets = getattr(batch, f"{kind}_offsets")
    part = slice(int(offsets[row]), int(offsets[row + 1]))
    return getattr(batch, f"{kind}_actions")[part].numpy(), getattr(batch, f"{kind}_probs")[part].numpy()


def test_taking_the_symmetry_back_gives_what_was_written(dataset: Any) -> None:
    written = [
        (members, row)
        for seed, count in enumerate(COUNTS)
        for members in [random_members(seed, count)]
        for row in range(count)
    ]
    tables = symmetries(dataset.manifest.layout.board, dataset.manifest.layout.players)
    seen = set()
    for batch in Loader(dataset, batch=10, seed=3, epochs=4):
        for row, (sample, symmetry) in enumerate(zip(batch.samples.tolist(), batch.symmetries.tolist(), strict=True)):
            members, at = written[sample]
            back = int(tables.inverse[symmetry])
            seen.add(symmetry)
            for name in ("features", "ownership"):
                image = getattr(batch, name)[row].numpy()
                assert (tables.transform_image(image, back) == members[name][at]).all()
            for kind in POLICIES:
                part = slice(*members[f"{kind}_offsets"][at : at + 2])
                actions, shares = entries(batch, kind, row)
                turned = tables.transform_actions(members[f"{kind}_actions"][part], symmetry)
                assert (actions == turned).all()
                assert np.allclose(shares * 65535, members[f"{kind}_probs"][part])
            assert (batch.globals[row].numpy() == members["globals"][at]).all()
            assert (batch.outcome_values[row].numpy() == members["outcome_values"][at]).all()
            assert np.allclose(batch.root_values[row].numpy() * 32767, members["root_values"][at])
            assert batch.has_policy[row] == members["has_policy"][at]
            assert batch.moves_left[row] == members["moves_left"][at]
    assert seen == set(range(12))


@pytest.mark.parametrize(("board", "players"), [("square8", 2), ("hex8", 3)])
def test_an_augmented_sample_is_the_turned_position(tmp_path: Path, board: str, players: int) -> None:
    games = [random_position(board, players, seed) for seed in range(24)]
    config = f"{board}_{players}p"
    dataset = open_dataset(write_dataset(tmp_path, [position_members(games)], config, "v2"))
    geometry = dataset.manifest.layout.board
    # Regions and whole lines are named by a cell that need not be the image of the one before.
    movable = plane_move(geometry.tables) * geometry.cells
    fixed = PLANE_REGION * geometry.cells

    def named_by_place(actions: Any) -> set[int]:
        return {action for action in actions.tolist() if action < fixed or action >= movable}

    for batch in Loader(dataset, batch=7, epochs=2):
        for row, (sample, symmetry) in enumerate(zip(batch.samples.tolist(), batch.symmetries.tolist(), strict=True)):
            turned = rewritten(games[sample], symmetry=symmetry)
            assert (batch.features[row].numpy() == encode(turned, "v2").features).all()
            assert named_by_place(entries(batch, "policy", row)[0]) == named_by_place(turned.legal_actions())


def test_an_epoch_has_every_sample_once_and_mixes_the_shards(dataset: Any) -> None:
    samples = torch.cat([batch.samples for batch in Loader(dataset, batch=16, epochs=1)])
    assert sorted(samples.tolist()) == list(range(SAMPLES))
    assert samples.tolist() != sorted(samples.tolist())


def test_a_hold_out_set_can_be_read_as_stored(dataset: Any) -> None:
    batches = list(Loader(dataset, batch=20, epochs=1, shuffle=False, augment=False))
    assert [len(batch.samples) for batch in batches] == [20, 20, 20, 4]
    assert torch.cat([batch.samples for batch in batches]).tolist() == list(range(SAMPLES))
    features = np.concatenate([random_members(seed, count)["features"] for seed, count in enumerate(COUNTS)])
    assert (torch.cat([batch.features for batch in batches]).numpy() == features).all()


def test_batches_go_on_over_the_end_of_an_epoch(dataset: Any) -> None:
    sizes = {len(batch.samples) for batch in islice(Loader(dataset, batch=10), 20)}
    assert sizes == {10}


@pytest.mark.parametrize("prefetch", [1, 5])
def test_the_stream_does_not_depend_on_the_workers(dataset: Any, prefetch: int) -> None:
    one = Loader(dataset, batch=9, seed=1, epochs=3, workers=1)
    three = Loader(dataset, batch=9, seed=1, epochs=3, workers=3, prefetch=prefetch)
    assert same_streams(iter(one), iter(three))


def test_another_seed_is_another_stream(dataset: Any) -> None:
    first, other = (next(iter(Loader(dataset, batch=30, seed=seed))) for seed in (1, 2))
    assert first.samples.tolist() != other.samples.tolist()
    assert first.symmetries.tolist() != other.symmetries.tolist()


def test_a_stream_is_resumed_exactly(dataset: Any) -> None:
    whole = list(Loader(dataset, batch=12, seed=5, epochs=4))
    interrupted = Loader(dataset, batch=12, seed=5, epochs=4)
    for batches in range(1, 8):
        assert same(next(iter(interrupted)), whole[batches - 1])  # what was prefetched and lost comes again
        saved = json.loads(json.dumps(interrupted.state()))
        resumed = Loader(dataset, batch=12, seed=5, epochs=4, workers=1)
        resumed.restore(saved)
        assert same_streams(iter(resumed), iter(whole[batches:]))


def test_other_batches_and_ranks_go_on_at_the_same_place(dataset: Any) -> None:
    samples = torch.cat([batch.samples for batch in Loader(dataset, batch=8, seed=5, epochs=2)])
    first = Loader(dataset, batch=8, seed=5, epochs=2, rank=1, world_size=2)
    list(islice(first, 3))
    resumed = Loader(dataset, batch=11, seed=5, epochs=2)
    resumed.restore(first.state())
    assert torch.cat([batch.samples for batch in resumed]).tolist() == samples[3 * 2 * 8 :].tolist()


def test_a_position_of_another_stream_is_refused(dataset: Any, tmp_path: Path) -> None:
    loader = Loader(dataset, batch=8, seed=5)
    with pytest.raises(WrongPosition, match=r"with seed 6, not 5"):
        loader.restore(Loader(dataset, batch=8, seed=6).state())
    with pytest.raises(WrongPosition, match=r"with dataset"):
        loader.restore(Loader(open_dataset(random_dataset(tmp_path, (5,))), batch=8, seed=5).state())
    with pytest.raises(WrongPosition, match=r"position -1 is no place"):
        loader.restore({**loader.state(), "position": -1})


@pytest.mark.parametrize("world_size", [2, 3])
def test_ranks_share_one_stream(dataset: Any, world_size: int) -> None:
    whole = list(Loader(dataset, batch=6, seed=2, epochs=3))
    parts = [
        list(Loader(dataset, batch=6, seed=2, epochs=3, rank=rank, world_size=world_size)) for rank in range(world_size)
    ]
    for rank, part in enumerate(parts):
        assert same_streams(iter(part), iter(whole[rank::world_size]))
    assert sum(map(len, parts)) == len(whole)


def test_ranks_stand_at_the_same_place(dataset: Any) -> None:
    loaders = [Loader(dataset, batch=6, rank=rank, world_size=2) for rank in range(2)]
    for loader in loaders:
        list(islice(loader, 5))
    assert loaders[0].state() == loaders[1].state()


def test_samples_are_drawn_by_weight(tmp_path: Path) -> None:
    weights = np.array([0, 1, 2, 5], np.float32)
    dataset = open_dataset(random_dataset(tmp_path, (4, 4), sample_weights=weights))
    drawn = torch.cat([batch.samples for batch in Loader(dataset, batch=16, epochs=100)])
    counts = np.bincount(drawn.numpy(), minlength=8)
    assert np.abs(counts - 800 * np.tile(weights, 2) / 16).max() < 25


def test_memory_does_not_grow_with_the_dataset(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        folder = tmp_path / str(count)
        folder.mkdir()
        dataset = open_dataset(write_dataset(folder, [random_members(0, count)]))
        tracemalloc.start()
        for _ in islice(Loader(dataset, batch=32, workers=2), count // 32):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(64)  # kernels and tables are loaded
    assert peak(8192) < peak(256) + 8192 / 32 * 2 + 20_000


def test_no_more_batches_are_prepared_than_asked_for(dataset: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = Loader(dataset, batch=4, workers=2, prefetch=3)
    prepared: list[tuple[Any, ...]] = []
    assemble = loader._assemble
    monkeypatch.setattr(loader, "_assemble", lambda *span: prepared.append(span) or assemble(*span))
    with closing(loader.__iter__()) as batches:
        for taken in range(1, 6):
            next(batches)
            assert len(prepared) <= taken + 3


def test_a_damaged_policy_is_one_line(tmp_path: Path) -> None:
    members = random_members(0, 9)
    for name, place, value in (
        ("policy_offsets", 4, 10**9),
        ("opponent_policy_offsets", 4, -3),
        ("policy_actions", 4, 10**9),
    ):
        damaged = members | {name: members[name].copy()}
        damaged[name][place] = value
        dataset = open_dataset(write_dataset(tmp_path, [damaged]))
        with pytest.raises(BadDataset, match=r"hex8_3p-00000.npz: the policy of sample \d is damaged"):
            list(Loader(dataset, batch=9, epochs=1))


def test_batches_move_to_a_device(dataset: Any) -> None:
    batch = next(iter(Loader(dataset, batch=4))).to("meta")
    assert all(tensor.device.type == "meta" for tensor in batch)
    assert batch.features.shape == (4, 28, 9, 9)


def test_an_impossible_rank_is_refused(dataset: Any) -> None:
    with pytest.raises(ValueError, match="no rank 2 of 2"):
        Loader(dataset, batch=4, rank=2, world_size=2)
