"""Games of a database become a data set: what it says of every position, and which games are in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ringrift.datasets import BadDataset, Filters, Layout, Share, export, export_share, read_manifest
from ringrift.datasets.export import PAGE_GAMES
from ringrift.datasets.game_selection import EmptySelection, LeakedGame
from ringrift.datasets.settings import WindowSettings
from ringrift.datasets.shards import write_shard
from ringrift.datasets.writer import new_dataset
from ringrift.encoding import UnknownVersion, encode_batch, feature_version, new_batch, rank_values, to_relative
from ringrift.encoding.symmetries import cell_pixels
from ringrift.errors import UnwritableFile
from ringrift.game import Game, parse_config
from ringrift.game.state import COLLAPSED, KIND, OWNER, STACK
from ringrift.game_database import GamesDatabase
from ringrift.game_database.pool import lot
from ringrift.game_database.selection import holdout_bound
from ringrift.selfplay import GameRecord
from tests.contexts import export_context, record
from tests.datasets.games import everything, files, fill, identities, searched_records, settings, shards


@given(
    config=st.sampled_from(["square8_2p", "square8_3p", "hex8_2p", "hex8_4p"]),
    encoder=st.sampled_from(["v1", "v2"]),
    unsearched=st.booleans(),
    max_moves=st.sampled_from([60, 400]),
    seed=st.integers(0, 3),
)
@hypothesis_settings(max_examples=8, derandomize=True)
def test_samples_are_the_positions_of_the_games(
    tmp_path_factory: pytest.TempPathFactory, config: str, encoder: str, unsearched: bool, max_moves: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("export")
    records = {record.identity: record for record in searched_records(config, 3, seed, max_moves=max_moves)}
    chosen = settings(
        shard=150, encoder=encoder, unsearched=unsearched, games={"min_moves": 0, "completed_only": False}
    )
    with fill(folder / "games.db", records.values()) as database:
        export(database, config, export_context(chosen), folder=folder)
    seen = dict.fromkeys(records, 0)
    for name in (config, f"{config}.holdout"):
        for shard in shards(folder, name) if (folder / f"{name}.json").exists() else ():
            names = identities([shard])
            for row in range(len(shard["game"])):
                identity = names[shard["game"][row]]
                check_sample(records[identity], shard, row, encoder)
                seen[identity] += 1
    for identity, played in records.items():
        assert seen[identity] == len(expected_samples(played, unsearched)), "every sample, once"


def expected_samples(record: GameRecord, unsearched: bool) -> list[int]:
    board, players = parse_config(record.config)
    game = Game(board.name, players)
    found = []
    assert record.search
    for number, action in enumerate(record.actions.tolist()):
        if len(game.legal_actions()) > 1 and (unsearched or number in record.search.action_index):
            found.append(number)
        game.play(action)
    return found


def check_sample(record: GameRecord, shard: dict[str, np.ndarray], row: int, encoder: str) -> None:
    """Compare a sample with what `Game` and a direct encoding say."""
    board, players = parse_config(record.config)
    version = feature_version(encoder)
    game = Game(board.name, players)
    ply = int(shard["action_index"][row])
    for action in record.actions[:ply].tolist():
        game.play(action)
    seat = game.player
    features, globals = new_batch(version, board, 1)
    encode_batch(game._states[:1], version, board, features, globals, threads=1)
    np.testing.assert_array_equal(shard["features"][row], features[0])
    np.testing.assert_array_equal(shard["globals"][row], globals[0])

    values = rank_values(record.ranks) if record.ranks else np.zeros(players, np.float32)
    np.testing.assert_array_equal(shard["outcome_values"][row], to_relative(values, seat))
    assert shard["sample_weights"][row] == 1

    legal = game.legal_actions()
    searches = policies(record)
    actions, shares = entries(shard, "policy", row)
    np.testing.assert_array_equal(actions, legal)
    full, root, policy = searches.get(ply, (0, np.zeros(players, np.int16), {}))
    assert shard["has_policy"][row] == full
    assert dict(zip(actions.tolist(), shares.tolist(), strict=True)) == {
        action: policy.get(action, 0) * full for action in legal
    }
    np.testing.assert_array_equal(shard["root_values"][row], to_relative(root, seat))

    before = game.result().plies
    answered = False
    actions, shares = entries(shard, "opponent_policy", row)
    for number, action in enumerate(record.actions[ply:].tolist(), ply):
        if not answered and game.player != seat and len(game.legal_actions()) > 1:
            full, _, policy = searches.get(number, (0, None, {}))
            expected = {a: share for a, share in policy.items() if share} if full else {}
            assert dict(zip(actions.tolist(), shares.tolist(), strict=True)) == expected
            answered = True
        game.play(action)
    assert answered or not len(actions)
    assert shard["moves_left"][row] == game.result().plies - before

    ownership = np.zeros(board.size**2, np.uint8)
    for cell, word in enumerate(game._states[0]["cells"][board.tables["position"]].tolist()):
        if word & KIND in (STACK, COLLAPSED):
            ownership[cell_pixels(board)[cell]] = ((word & OWNER) - seat) % players + 1
    np.testing.assert_array_equal(shard["ownership"][row].reshape(-1), ownership)


def policies(record: GameRecord) -> dict[int, tuple[int, np.ndarray, dict[int, int]]]:
    """Whether the search was full, its values by seat, and its policy, by action of the game."""
    found = {}
    assert record.search
    ends = np.cumsum(record.search.policy_lengths.astype(int)).tolist()
    for index, at in enumerate(record.search.action_index.tolist()):
        own = slice(ends[index] - int(record.search.policy_lengths[index]), ends[index])
        policy = dict(
            zip(record.search.policy_actions[own].tolist(), record.search.policy_probs[own].tolist(), strict=True)
        )
        found[at] = int(record.search.has_policy[index]), record.search.root_values[index], policy
    return found


def entries(shard: dict[str, np.ndarray], policy: str, row: int) -> tuple[np.ndarray, np.ndarray]:
    own = slice(*shard[f"{policy}_offsets"][row : row + 2].tolist())
    return shard[f"{policy}_actions"][own], shard[f"{policy}_probs"][own]


def test_threads_and_the_order_of_insertion_change_no_byte(tmp_path: Path) -> None:
    records = searched_records(count=40, seed=9)
    found = []
    for number, (order, threads) in enumerate(((records, 1), (records, 3), (records[::-1], 2))):
        folder = tmp_path / str(number)
        folder.mkdir()
        with fill(folder / "games.db", order) as database:
            export(database, "square8_2p", export_context(settings(shard=700)), folder=folder, threads=threads)
        manifest = read_manifest(folder / "square8_2p.json").model_dump()
        manifest["provenance"].pop("database")
        found.append((files(folder), manifest))
    assert len(found[0][0]) > 3, "several shards, and the games held out"
    assert found[0] == found[1] == found[2]


@given(
    of=st.integers(1, 5),
    seed=st.integers(0, 3),
    missing=st.sets(st.integers(1, 5)),
    shard=st.sampled_from([100, 700, 10**6]),
)
@hypothesis_settings(max_examples=8, derandomize=True)
def test_shares_of_several_machines_and_one_machine_give_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, of: int, seed: int, missing: set[int], shard: int
) -> None:
    folder = tmp_path_factory.mktemp("shares")
    context = export_context(settings(shard=shard))
    together, alone = folder / "together", folder / "alone"
    with fill(folder / "games.db", searched_records(count=30, seed=seed)) as database:
        for number in range(1, of + 1):
            if number not in missing:  # such as that of a worker that has died
                export_share(database, "square8_2p", context, Share(number, of), folder=together)
        joined = export(database, "square8_2p", context, folder=together)
        export(database, "square8_2p", context, folder=alone)
    assert everything(together) == everything(alone)
    if not missing:
        assert all(report.kept == report.samples for report in joined), "nothing was written twice"


def test_shares_are_written_side_by_side_but_not_beside_a_whole_export(pool: GamesDatabase, tmp_path: Path) -> None:
    context = export_context(settings(shard=700))
    layout = Layout("square8_2p", "v2")
    with new_dataset(tmp_path, "square8_2p", layout, 700, shared=True):
        export_share(pool, "square8_2p", context, Share(1, 2), folder=tmp_path)
        with pytest.raises(BadDataset, match="is being written by another process"):
            export(pool, "square8_2p", context, folder=tmp_path)
    export(pool, "square8_2p", context, folder=tmp_path)


def test_the_manifest_says_where_the_samples_come_from(tmp_path: Path) -> None:
    records = searched_records(count=40, seed=9)
    with fill(tmp_path / "games.db", records) as database:
        training, held_out = export(database, "square8_2p", export_context(), folder=tmp_path)
        manifest = read_manifest(Path(training.dataset))
    (shard,) = manifest.shards
    assert (tmp_path / "square8_2p.npz").resolve() == (tmp_path / shard.name).resolve()
    (arrays,) = shards(tmp_path, "square8_2p")
    assert manifest.samples == training.samples == len(arrays["game"])
    assert manifest.policies == training.policies == arrays["has_policy"].sum()
    assert training.games + held_out.games == 40
    source = manifest.provenance
    assert source["engines"] == {"random": manifest.games, "gumbel:m.pth@16": manifest.games}
    np.testing.assert_array_equal(np.bincount(arrays["facts"]["winner"], minlength=3)[1:], source["wins_by_seat"])
    assert sum(source["wins_by_seat"]) == sum(source["victories"].values()) == manifest.games
    with np.load(tmp_path / "square8_2p.npz", allow_pickle=False) as loaded:
        for name, array in arrays.items():
            np.testing.assert_array_equal(loaded[name], array)
            assert array.flags.aligned and not array.flags.writeable


def test_games_held_out_are_in_no_training_set(tmp_path: Path) -> None:
    records = searched_records(count=40, seed=9)
    with fill(tmp_path / "games.db", records) as database:
        export(database, "square8_2p", export_context(), folder=tmp_path)
    training, held_out = (set(identities(shards(tmp_path, f"square8_2p{part}"))) for part in ("", ".holdout"))
    assert training | held_out == {record.identity for record in records}
    assert held_out == {name for name in training | held_out if lot(bytes.fromhex(name)) < holdout_bound()}


def test_a_column_that_would_let_a_held_out_game_in_is_an_error(tmp_path: Path) -> None:
    with fill(tmp_path / "games.db", searched_records(count=40, seed=9)) as database:
        with database.writing() as connection:
            connection.exec_driver_sql("UPDATE games SET lot = 2147483647")
        with pytest.raises(LeakedGame, match="is held out from training"):
            export(database, "square8_2p", export_context(), folder=tmp_path)
    assert not files(tmp_path)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> GamesDatabase:
    records = searched_records(count=30, seed=9)
    stopped = searched_records(count=12, seed=4, max_moves=40)
    return fill(tmp_path_factory.mktemp("pool") / "games.db", [*records, *(replace(r, run="short") for r in stopped)])


@pytest.mark.parametrize(
    ("filters", "games", "message"),
    [
        (Filters(runs=("none",)), {}, "0 of 30 games have run none"),
        (Filters(engines=("puct", "mcts")), {}, "0 of 30 games have engine puct or mcts"),
        (Filters(models=("xyz",)), {}, "0 of 30 games have model xyz"),
        (Filters(sources=("nowhere",)), {}, "0 of 30 games have source nowhere"),
        (Filters(since=1767225600 + 30), {}, "0 of 30 games ended at"),
        (Filters(until=1767225600), {}, "0 of 30 games ended before"),
        (Filters(runs=("short",)), {}, "0 of 30 games have run short"),
        (Filters(), {"min_moves": 401}, "0 of 30 games have 401 moves or more"),
        (Filters(), {"min_quality": 1.0}, r"0 of 30 games are of quality 1 or better; the best is of 0\.9"),
    ],
)
def test_an_empty_selection_says_which_condition_took_the_last_game(
    pool: GamesDatabase, tmp_path: Path, filters: Filters, games: dict[str, float], message: str
) -> None:
    training = sum(lot(bytes.fromhex(r.identity)) >= holdout_bound() for r in searched_records(count=30, seed=9))
    with pytest.raises(EmptySelection, match=message.replace("30", str(training))):
        export(pool, "square8_2p", export_context(settings(games=games)), folder=tmp_path, filters=filters)
    assert not everything(tmp_path)


def test_filters_keep_what_passes(pool: GamesDatabase, tmp_path: Path) -> None:
    def exported(filters: Filters | None = None, **changes: object) -> int:
        reports = export(pool, "square8_2p", export_context(settings(**changes)), folder=tmp_path, filters=filters)
        return sum(report.games for report in reports)

    assert exported() == 30
    assert exported(games={"completed_only": False}) == 42
    assert exported(Filters(runs=("short", "test")), games={"completed_only": False}) == 42
    assert exported(Filters(runs=("short",)), games={"completed_only": False}) == 12
    assert exported(Filters(engines=("random", "puct"), models=("abc",), sources=("games",))) == 30
    assert exported(Filters(since=1767225600 + 5, until=1767225600 + 25)) == 20
    assert 0 < exported(games={"min_quality": 0.9}) < 30


def test_games_of_a_config_with_a_higher_limit_may_be_longer(pool: GamesDatabase, tmp_path: Path) -> None:
    (report, *_) = export(pool, "square8_2p", export_context(settings(games={"max_moves": 100})), folder=tmp_path)
    assert "have 500 moves or less" in {step.condition for step in report.steps}


def test_the_window_keeps_the_newest_games(pool: GamesDatabase, tmp_path: Path) -> None:
    window = {"kind": "newest", "newest": 10}
    reports = export(pool, "square8_2p", export_context(settings(window=window)), folder=tmp_path)
    records = searched_records(count=30, seed=9)
    training = sorted((r for r in records if lot(bytes.fromhex(r.identity)) >= holdout_bound()), key=lambda r: -r.ended)
    newest = {record.identity for record in training[:10]}
    assert set(identities(shards(tmp_path, "square8_2p"))) == newest
    held_out = [r for r in records if lot(bytes.fromhex(r.identity)) < holdout_bound() and r.ended >= training[9].ended]
    assert sum(report.games for report in reports[1:]) == len(held_out)


def test_the_window_grows_by_the_power_law_of_katago() -> None:
    window = WindowSettings(kind="power_law", newest=1, smallest=250_000, exponent=0.75, growth=0.4)
    assert window.games(100_000) == 100_000
    assert window.games(250_000) == 250_000
    assert window.games(16 * 250_000) == int(250_000 * (1 + 0.4 * 7 / 0.75)), "16 ** 0.75 is 8"
    sizes = [window.games(count) for count in range(250_000, 10_000_000, 50_000)]
    assert all(np.diff(sizes) > 0) and all(np.diff(sizes, 2) <= 1), "ever slower"


def test_an_unknown_encoder_is_one_line(pool: GamesDatabase, tmp_path: Path) -> None:
    with pytest.raises(UnknownVersion, match="unknown feature version 'v9'"):
        export(pool, "square8_2p", export_context(settings(encoder="v9")), folder=tmp_path)


@pytest.mark.parametrize("afresh", [False, True])
def test_a_full_disk_is_one_line_and_leaves_the_old_data_set(
    pool: GamesDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, afresh: bool
) -> None:
    export(pool, "square8_2p", export_context(settings(shard=500)), folder=tmp_path)
    before = everything(tmp_path)
    written = []

    def write(file: IO[bytes], arrays: dict[str, np.ndarray]) -> None:
        written.append(arrays)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        write_shard(file, arrays)

    monkeypatch.setattr("ringrift.datasets.writer.write_shard", write)
    line = r"square8_2p-[0-9a-f]+\.npz: cannot be written \(No space left on device\); the data set .* is untouched"
    with pytest.raises(UnwritableFile, match=line):
        chosen = settings(shard=500, encoder="v2" if afresh else "v1")
        export(pool, "square8_2p", export_context(chosen), folder=tmp_path, afresh=afresh)
    assert everything(tmp_path) == before


def test_a_data_set_that_another_process_writes_is_left_alone(pool: GamesDatabase, tmp_path: Path) -> None:
    with (
        new_dataset(tmp_path, "square8_2p", Layout("square8_2p", "v2"), 10),
        pytest.raises(BadDataset, match="square8_2p: is being written by another process"),
    ):
        export(pool, "square8_2p", export_context(), folder=tmp_path)


def test_progress_is_told(pool: GamesDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PAGE_GAMES, "square8", 10)
    told: list[Any] = []
    reports = export(
        pool,
        "square8_2p",
        export_context(settings(shard=300), progress=record(told)),
        folder=tmp_path,
    )
    games = reports[0].games
    own = [one for one in told if one[2] == games]
    done = [one[1] for one in own]
    assert done == sorted(done) and len(set(done)) > 3
    assert own[-1][1:] == (games, games, f"{reports[0].samples:,} samples")
