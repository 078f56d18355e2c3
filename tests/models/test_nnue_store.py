"""Integer networks in the model store: registered once, promoted through their gate, and told where they come from."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import update

from ringrift.cli.render import rendered
from ringrift.errors import RingRiftError
from ringrift.evaluation.matches import MatchPlan
from ringrift.evaluation.report import Comparison, MatchReport, PlayerResult
from ringrift.game import get_board
from ringrift.models import (
    AbsentModel,
    LostRace,
    ModelStore,
    NnueStore,
    RegisteredNnue,
    UnknownModel,
    nnue_lineage,
    prune,
    verify,
)
from ringrift.models import nnue_gate as gate
from ringrift.models.schema import nnue_networks
from ringrift.models.settings import PruneSettings
from ringrift.nnue import BadNnue, find_network, promoted_network, read_nnue_id, write_network
from ringrift.nnue.file import SHIPPED
from tests.contexts import any_context
from tests.models.making import registered
from tests.nnue.networks import random_network

CONFIG = "hex8_2p"


@pytest.fixture
def networks(store: ModelStore) -> NnueStore:
    return NnueStore(store.database, store.folder)


def made(folder: Path, seed: int = 0, **training: Any) -> Path:
    """A network that lies elsewhere."""
    path = folder / f"network-{seed}.nnue"
    write_network(path, CONFIG, random_network(get_board("hex8"), seed), {"training": training})
    return path


def match_won(share: float, p_stronger: float) -> MatchReport:
    """A match that came out so."""
    own = PlayerResult("new", "minimax:new", 100, round(100 * share), share, share - 0.1, share + 0.1, 0.0, 1.0, ())
    other = replace(own, name="old", spec="minimax?nodes=1000", share=1 - share)
    comparison = Comparison("new", "old", 30, 10, 10, p_stronger, 2 * p_stronger)
    plan = MatchPlan(config=CONFIG, players=("minimax:new", "minimax"), openings=50, opening_plies=8, max_moves=500)
    return MatchReport(plan, 100, 100, 60.0, {"elimination": 100}, (own, other), (comparison,))


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch) -> dict[str, MatchReport]:
    """The match that the gate plays comes out as the test wants it."""
    outcome = {"match": match_won(0.7, 0.001)}
    monkeypatch.setattr(gate, "_played", lambda *_: outcome["match"])
    return outcome


def test_a_network_from_elsewhere_is_copied_and_found_by_digits_and_by_its_file(
    networks: NnueStore, tmp_path: Path
) -> None:
    path = made(tmp_path, run="nnue-1")
    network = networks.register(path)
    assert (network.id, network.config, network.status) == (read_nnue_id(path), CONFIG, "development")
    assert networks.path(network).read_bytes() == path.read_bytes()
    assert networks.register(path) == network, "once more changes nothing"
    assert networks.find(network.id[:6]) == networks.find(str(path)) == network
    assert networks.find("0000000000") is None
    assert networks.listed(CONFIG) == networks.listed() == [network]
    assert networks.listed("square8_2p") == networks.listed(status="production") == []


def test_what_is_no_sound_network_is_not_taken_in(networks: NnueStore, tmp_path: Path) -> None:
    path = made(tmp_path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(BadNnue, match="cut off or altered"):
        networks.register(path)
    with pytest.raises(UnknownModel, match="no model has the status 'good'"):
        networks.listed(status="good")
    assert networks.listed() == []


def test_the_stronger_network_is_what_players_read_and_the_one_before_is_archived(
    networks: NnueStore, outcome: dict[str, MatchReport], tmp_path: Path
) -> None:
    assert find_network(CONFIG, networks.folder).parent == SHIPPED
    first, second = made(tmp_path, 1), made(tmp_path, 2)
    for path in (first, second):
        report = gate.gate_network(path, CONFIG, networks, any_context(), games=100)
        assert report.passed
        assert read_nnue_id(find_network(CONFIG, networks.folder)) == read_nnue_id(path)
    statuses = {network.id: network.status for network in networks.listed()}
    assert statuses == {read_nnue_id(first): "archived", read_nnue_id(second): "production"}
    with pytest.raises(RingRiftError, match="is this very network"):
        gate.gate_network(second, CONFIG, networks, any_context(), games=100)


def test_a_network_that_is_not_stronger_is_rejected_and_changes_nothing(
    networks: NnueStore, outcome: dict[str, MatchReport], tmp_path: Path
) -> None:
    outcome["match"] = match_won(0.5, 0.5)
    report = gate.gate_network(made(tmp_path), CONFIG, networks, any_context(), games=100)
    assert (report.passed, report.promoted) == (False, None)
    assert networks.in_use(CONFIG) is None
    assert not promoted_network(networks.folder, CONFIG).exists()
    assert networks.listed()[0].status == "rejected"
    assert networks.listed()[0].verdict == report.to_json() | {"match": networks.listed()[0].verdict["match"]}  # type: ignore[index]


def test_of_two_that_won_against_the_same_network_one_is_promoted(networks: NnueStore, tmp_path: Path) -> None:
    one, other = (networks.register(made(tmp_path, seed)) for seed in (1, 2))
    networks.judge(one, {}, expected=None, passed=True)
    with pytest.raises(LostRace, match="another process was quicker"):
        networks.judge(other, {}, expected=None, passed=True)
    assert networks.in_use(CONFIG) == networks.find(one.id)


def test_a_promotion_that_was_killed_before_its_file_followed_is_finished(networks: NnueStore, tmp_path: Path) -> None:
    network = networks.register(made(tmp_path))
    networks.judge(network, {}, expected=None, passed=True)
    copy = promoted_network(networks.folder, CONFIG)
    copy.unlink()
    assert networks.settle(CONFIG) == networks.find(network.id)
    assert read_nnue_id(copy) == network.id


def test_a_promoted_file_of_which_the_store_has_not_heard_is_the_one_in_use(
    networks: NnueStore, tmp_path: Path
) -> None:
    copy = promoted_network(networks.folder, CONFIG)
    copy.parent.mkdir()
    copy.write_bytes(made(tmp_path).read_bytes())
    found = networks.settle(CONFIG)
    assert found is not None
    assert (found.id, found.status) == (read_nnue_id(copy), "production")


def told(network: RegisteredNnue, store: NnueStore) -> str:
    output = io.StringIO()
    Console(file=output, width=160).print(rendered(nnue_lineage(store, network)))
    return output.getvalue()


def test_the_lineage_leads_to_the_teacher_and_tells_games_and_verdict(
    store: ModelStore, networks: NnueStore, outcome: dict[str, MatchReport], tmp_path: Path
) -> None:
    grandparent = registered(store, 1)
    teacher = registered(store, 2, training={"parent": grandparent.id})
    path = made(tmp_path, run="nnue-7", teacher="policy:x.pth", parent=teacher.id, dataset={"games": 41})
    network = networks.register(path)
    assert [one.model for one in nnue_lineage(networks, network).ancestors] == [teacher, grandparent]
    assert "gate: it has not played for its promotion" in told(network, networks)
    gate.gate_network(path, CONFIG, networks, any_context(), games=100)
    found = networks.find(network.id)
    assert found is not None
    text = told(found, networks)
    for part in (f"{network.id}  hex8_2p  nnue  production", "teacher: policy:x.pth", "games 41", teacher.id):
        assert part in text
    assert "passed: won 70.0% (60.0% – 80.0%) of 100 games at equal time against minimax?nodes=1000" in text


def test_verification_finds_altered_networks_and_puts_back_what_there_is_a_copy_of(
    store: ModelStore, networks: NnueStore, tmp_path: Path
) -> None:
    network, stray = networks.register(made(tmp_path, 1)), made(tmp_path, 2)
    networks.judge(network, {}, expected=None, passed=True)
    assert verify(store, any_context()).faults == ()
    networks.path(network).write_bytes(b"RRNNUE01")
    (networks.folder / CONFIG / "stray.nnue").write_bytes(stray.read_bytes())
    report = verify(store, any_context())
    assert [(fault.model, fault.repaired) for fault in report.faults] == [(network.id, False)]
    assert report.unregistered == (str(networks.folder / CONFIG / "stray.nnue"),)
    assert verify(store, any_context(), repair=True).left == 0
    assert networks.fault(network) is None
    promoted_network(networks.folder, CONFIG).unlink()
    assert verify(store, any_context(), repair=True).left == 0
    assert read_nnue_id(promoted_network(networks.folder, CONFIG)) == network.id


def aged(networks: NnueStore, made: list[RegisteredNnue]) -> list[RegisteredNnue]:
    """Make registered networks as old as they need to be to go."""
    with networks.database.writing() as connection:
        connection.execute(update(nnue_networks).values(created=1_600_000_000))
    return [network for one in made if (network := networks.find(one.id)) is not None]


def test_old_networks_lose_their_files_but_not_the_one_in_use_the_one_before_and_the_newest(
    store: ModelStore, networks: NnueStore, tmp_path: Path
) -> None:
    old = [networks.register(made(tmp_path, seed)) for seed in range(5)]
    before = None
    for network in old[:3]:
        networks.judge(network, None, expected=before, passed=True)
        before = network.id
        with networks.database.writing() as connection:  # so that one was judged after the other
            judged = update(nnue_networks).where(nnue_networks.c.status == "archived")
            connection.execute(judged.values(judged=nnue_networks.c.number))
    old = aged(networks, old)
    settings = PruneSettings(predecessors=1, newest=1, days=3.0)
    assert [model.id for model in prune(store, settings, dry_run=True).pruned] == [old[3].id, old[0].id]
    assert all(networks.path(network).exists() for network in old)
    report = prune(store, settings)
    assert report.kept == {"network in use": 1, "network formerly in use": 1, "newest": 1}
    assert [model.kind for model in report.pruned] == ["nnue", "nnue"]
    assert all(model.bytes > 1000 for model in report.pruned)
    assert [networks.path(network).exists() for network in old] == [False, True, True, False, True]
    assert verify(store, any_context()).faults == ()
    assert prune(store, settings).pruned == ()
    assert "file: pruned" in told(networks.listed()[-1], networks)


def test_a_pruned_network_is_not_promoted_until_its_file_comes_back(
    store: ModelStore, networks: NnueStore, tmp_path: Path
) -> None:
    path = made(tmp_path)
    (network,) = aged(networks, [networks.register(path)])
    prune(store, PruneSettings(predecessors=0, newest=0, days=0))
    with pytest.raises(AbsentModel, match="its file has been pruned meanwhile; register a copy"):
        networks.judge(network, {}, expected=None, passed=True)
    assert networks.in_use(CONFIG) is None
    assert networks.register(path) == network
    networks.judge(network, {}, expected=None, passed=True)
    assert read_nnue_id(promoted_network(networks.folder, CONFIG)) == network.id


def test_a_file_that_has_outlived_its_pruning_is_told_of_and_removed(
    store: ModelStore, networks: NnueStore, tmp_path: Path
) -> None:
    path = made(tmp_path)
    (network,) = aged(networks, [networks.register(path)])
    networks.give_up_files([network.id])
    (fault,) = verify(store, any_context()).faults
    assert "is there, though it has been pruned" in fault.detail
    assert prune(store, PruneSettings(predecessors=0, newest=0, days=0)).finished == 1
    assert verify(store, any_context()).faults == ()
