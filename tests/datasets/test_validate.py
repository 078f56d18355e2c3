"""Validation finds what is wrong with a data set, whatever it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ringrift.datasets import BadDataset, Layout, export
from ringrift.datasets.manifest import read_manifest, write_manifest
from ringrift.datasets.shards import digest, open_shard, write_shard
from ringrift.datasets.validate import CHECKS, ValidationReport, validate
from ringrift.encoding import symmetries
from tests.contexts import export_context, quality_context
from tests.datasets.games import fill, searched_records, settings

Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data sets that nothing is wrong with."""
    folder = tmp_path_factory.mktemp("sound")
    with fill(folder / "games.db", searched_records(count=30, seed=9)) as database:
        export(database, "square8_2p", export_context(settings(games={"completed_only": False})), folder=folder)
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "copy"))


def change(folder: Path, damage: Callable[[Arrays], object], name: str = "square8_2p") -> None:
    """Change the arrays of a data set of one shard, and its manifest as if it had been written so."""
    path = folder / read_manifest(folder / f"{name}.json").shards[0].name
    arrays = {member: array.copy() for member, array in open_shard(path).items()}
    damage(arrays)
    with path.open("wb") as file:
        write_shard(file, arrays)
    manifest = read_manifest(folder / f"{name}.json")
    shard = manifest.shards[0].model_copy(update={"sha256": digest(path)})
    write_manifest(folder / f"{name}.json", manifest.model_copy(update={"shards": (shard,)}))


def verdicts(report: ValidationReport) -> dict[str, str]:
    return {check.name: check.verdict for check in report.checks}


@pytest.mark.parametrize("config", ["square8_2p", "hex8_3p"])
def test_nothing_is_wrong_with_what_was_exported(tmp_path: Path, config: str) -> None:
    with fill(tmp_path / "games.db", searched_records(config, 20, 2)) as database:
        export(database, config, export_context(settings(shard=400)), folder=tmp_path)
    for path in tmp_path.glob("*.json"):
        report = validate(path, quality_context())
        assert report.sound
        assert verdicts(report) == dict.fromkeys(CHECKS, "ok")


def at(member: str, index: Any, value: Any) -> Callable[[Arrays], object]:
    return lambda arrays: arrays[member].__setitem__(index, value)


def shifted(arrays: Arrays) -> None:
    arrays["policy_offsets"][1:] += 1


def twice(arrays: Arrays) -> None:
    arrays["policy_actions"][1] = arrays["policy_actions"][0]


def another_board(arrays: Arrays) -> None:
    board = Layout("square8_2p", "v2").version.planes.index("board")
    arrays["features"][:, board, 0, 0] = 0


def another_outcome(arrays: Arrays) -> None:
    arrays["outcome_values"][1] = 0


def later(arrays: Arrays) -> None:
    arrays["moves_left"][1] += 50


def no_winner(arrays: Arrays) -> None:
    arrays["facts"]["winner"][0] = 0


def more_searches_than_choices(arrays: Arrays) -> None:
    arrays["facts"]["searched"][0] = arrays["facts"]["choices"][0] + 1


def fewer_moves(arrays: Arrays) -> None:
    arrays["facts"]["plies"][0] = arrays["moves_left"][0] - 1


def same_sample(arrays: Arrays) -> None:
    for member in ("game", "action_index"):
        arrays[member][1] = arrays[member][0]


DAMAGE: dict[str, tuple[str, Callable[[Arrays], object]]] = {
    "offsets beyond the entries": ("offsets", shifted),
    "a global that is no number": ("numbers", at("globals", (3, 0), np.nan)),
    "an infinite weight": ("numbers", at("sample_weights", 0, np.inf)),
    "a value that is no number": ("numbers", at("outcome_values", 5, np.nan)),
    "planes of another board": ("ranges", another_board),
    "a value above 1": ("ranges", at("outcome_values", 0, (2, -2))),
    "an action that does not exist": ("ranges", at("policy_actions", 0, 10**6)),
    "an action of the opponent that does not exist": ("ranges", at("opponent_policy_actions", 0, -1)),
    "a mark of a policy that is neither 0 nor 1": ("ranges", at("has_policy", 0, 2)),
    "an owner who does not play": ("ranges", at("ownership", (0, 0, 0), 3)),
    "a game that is not named": ("ranges", at("game", 0, 10**6)),
    "an action before the first": ("ranges", at("action_index", 0, -1)),
    "no moves left": ("ranges", at("moves_left", 0, 0)),
    "a negative weight": ("ranges", at("sample_weights", 0, -1)),
    "no weights": ("ranges", at("sample_weights", slice(None), 0)),
    "policies without probabilities": ("policies", at("policy_probs", slice(None), 0)),
    "probabilities of no policy": ("policies", at("has_policy", slice(None), 0)),
    "policies of the opponent that do not add up": ("policies", at("opponent_policy_probs", slice(None), 7)),
    "an action that stands twice": ("policies", twice),
    "values that do not add up": ("values", at("outcome_values", slice(None), 1)),
    "values of no rank": ("values", at("outcome_values", 0, (0.5, -0.5))),
    "two outcomes of a game": ("values", another_outcome),
    "more moves left than before": ("values", later),
    "a value of a search above 1": ("ranges", at("root_values", (0, 0), -32768)),
    "more searches than choices": ("ranges", more_searches_than_choices),
    "values of a game without a winner": ("values", no_winner),
    "more moves left than the game has": ("values", fewer_moves),
    "a sample that stands twice": ("duplicates", same_sample),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_in_the_arrays_is_found(folder: Path, name: str) -> None:
    check, damage = DAMAGE[name]
    change(folder, damage)
    report = validate(folder / "square8_2p", quality_context())
    assert not report.sound
    assert verdicts(report)[check] == "failed"


def test_files_that_are_not_those_of_the_manifest_are_found(folder: Path) -> None:
    path = folder / read_manifest(folder / "square8_2p.json").shards[0].name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert verdicts(validate(folder / "square8_2p", quality_context()))["files"] == "failed"
    path.write_bytes(data[: len(data) // 2])
    assert verdicts(validate(folder / "square8_2p.json", quality_context()))["files"] == "failed"
    path.unlink()
    assert verdicts(validate(folder / "square8_2p", quality_context()))["files"] == "failed"


@pytest.mark.parametrize(("config", "encoder"), [("hex8_2p", "v2"), ("square8_3p", "v2"), ("square8_2p", "v1")])
def test_another_board_or_encoding_is_found(folder: Path, config: str, encoder: str) -> None:
    path = folder / "square8_2p.json"
    write_manifest(path, read_manifest(path).model_copy(update={"config": config, "encoder": encoder}))
    report = validate(path, quality_context())
    assert verdicts(report)["arrays"] == "failed"
    assert verdicts(report)["values"] == verdicts(report)["seat_balance"] == "skipped"
    assert f"{config} in {encoder} has" in next(check.detail for check in report.checks if check.name == "arrays")


def test_a_game_on_both_sides_of_the_hold_out_line_is_found(folder: Path) -> None:
    held_out = open_shard(folder / "square8_2p.holdout.npz")["games"][0]
    change(folder, at("games", 0, held_out))
    report = validate(folder / "square8_2p", quality_context())
    assert verdicts(report)["holdout"] == "failed"
    assert "(and 1 more)" in next(check.detail for check in report.checks if check.name == "holdout")


@pytest.mark.parametrize(("share", "verdict"), [(0.1, "ok"), (0.4, "warning"), (0.6, "failed")])
def test_symmetric_duplicates_are_found(
    folder: Path, share: float, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def images(arrays: Arrays) -> None:
        tables = symmetries(Layout("square8_2p", "v2").board, 2)
        rows = range(int(share * len(arrays["game"])))
        for row in rows:
            arrays["features"][row] = tables.transform_image(arrays["features"][row % 40], row % len(tables))
            arrays["globals"][row] = arrays["globals"][row % 40]

    change(folder, images)
    report = validate(folder / "square8_2p", quality_context())
    assert verdicts(report)["symmetric_duplicates"] == verdict
    assert report.sound == (verdict != "failed")

    monkeypatch.setattr("ringrift.datasets.validate.HASHED", report.samples // 4)
    details = {check.name: check.detail for check in validate(folder / "square8_2p", quality_context()).checks}
    looked_at = int(details["symmetric_duplicates"].split(" of ")[1].split()[0])
    found = float(details["symmetric_duplicates"].split(", ")[1].split("%")[0]) / 100
    assert looked_at < 0.4 * report.samples
    assert abs(found - share) < 0.15, "a part of the positions shows the share of all"


@pytest.mark.parametrize(("share", "verdict"), [(0.9, "ok"), (0.97, "warning"), (1.0, "failed")])
def test_values_of_one_class_alone_are_found(folder: Path, share: float, verdict: str) -> None:
    def one_sided(arrays: Arrays) -> None:
        won = np.arange(len(arrays["game"])) < share * len(arrays["game"])
        arrays["outcome_values"][:, 0] = np.where(won, 1, -1)

    change(folder, one_sided)
    assert verdicts(validate(folder / "square8_2p", quality_context()))["class_balance"] == verdict


@pytest.mark.parametrize(("others", "verdict"), [(3, "ok"), (1, "warning"), (0, "failed")])
def test_a_seat_that_wins_all_games_is_found(folder: Path, others: int, verdict: str) -> None:
    def one_seat(arrays: Arrays) -> None:
        arrays["facts"]["winner"][others:] = 2
        arrays["facts"]["winner"][:others] = 1

    change(folder, one_seat)
    report = validate(folder / "square8_2p", quality_context())
    assert verdicts(report)["seat_balance"] == verdict
    assert report.sound == (verdict != "failed")


@pytest.mark.parametrize(("copies", "verdict"), [(1, "ok"), (5, "warning"), (20, "failed")])
def test_games_that_are_copies_are_found(folder: Path, copies: int, verdict: str) -> None:
    change(folder, lambda arrays: arrays["facts"]["actions"].__setitem__(slice(copies), arrays["facts"]["actions"][-1]))
    report = validate(folder / "square8_2p", quality_context())
    assert verdicts(report)["duplicates"] == verdict
    assert f"{copies} games are copies" in next(check.detail for check in report.checks if check.name == "duplicates")


def test_the_quality_is_that_of_the_manifest(sound: Path) -> None:
    for name in ("square8_2p", "square8_2p.holdout"):
        quality = read_manifest(sound / f"{name}.json").provenance["quality"]
        assert asdict(validate(sound / name, quality_context()).quality) == quality


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is no manifest of a data set"),
        (json.dumps({"format": 1}), "is of format 1, this program reads 3 and 2; export the data set again"),
        (json.dumps({"format": "two"}), "format: Input should be 2 or 3"),
        (None, "there is no such data set"),
    ],
)
def test_what_is_no_data_set_is_one_line(tmp_path: Path, text: str | None, complaint: str) -> None:
    if text is not None:
        (tmp_path / "x.json").write_text(text)
    with pytest.raises(BadDataset, match=complaint) as error:
        validate(tmp_path / "x", quality_context())
    assert "\n" not in str(error.value)


def test_the_manifest_of_an_unknown_encoder_is_named(folder: Path) -> None:
    path = folder / "square8_2p.json"
    write_manifest(path, read_manifest(path).model_copy(update={"encoder": "v9"}))
    with pytest.raises(BadDataset, match=r"square8_2p\.json: unknown feature version 'v9'"):
        validate(path, quality_context())


def test_a_data_set_may_be_named_by_the_link_to_its_shard(folder: Path) -> None:
    assert validate(folder / "square8_2p.npz", quality_context()) == validate(folder / "square8_2p", quality_context())


def test_a_folder_is_no_data_set_and_says_which_it_has(folder: Path) -> None:
    with pytest.raises(BadDataset, match=r"copy: is a folder; .* in it: square8_2p, square8_2p\.holdout$"):
        validate(folder, quality_context())
