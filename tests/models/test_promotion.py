"""Changing the champion: who wins, what the files are, and what a crash leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from ringrift.agents import promoted_model
from ringrift.models import (
    AbsentModel,
    BadChampion,
    GateReport,
    LostRace,
    ModelStore,
    PromotionReport,
    Results,
    StoredModel,
    change_champion,
    history,
    mend_champion,
    model_settings,
    predecessors,
    promote,
    promotion,
    rollback,
)
from ringrift.models.gate import run_gate
from ringrift.networks import load_model, save_model
from ringrift.run_context import RunContext
from tests.models.making import content, crowned, network, registered
from tests.models.processes import finish, go, start


def forced(store: ModelStore, model: StoredModel, reason: str = "a test") -> PromotionReport:
    return promote(store, model, Results(), RunContext(model_settings().gate), force=reason)


def best(store: ModelStore) -> Path:
    return promoted_model(store.folder, "hex8_2p")


def statuses(store: ModelStore, *models: StoredModel) -> list[str]:
    return [store.find(model.id).status for model in models]


def check_champion(store: ModelStore, model: StoredModel) -> None:
    """The database and the files agree on who is champion, byte by byte."""
    assert store.champion("hex8_2p") == store.find(model.id)
    assert store.find(model.id).status == "production"
    assert content(best(store)) == content(store.path(model))
    assert list(store.folder.glob(".*")) == [], "nothing unfinished"


def test_champions_follow_one_another(store: ModelStore) -> None:
    first, second = registered(store), registered(store, 1)
    assert store.champion("hex8_2p") is None
    report = forced(store, first, "the first there is")
    assert (report.outcome, report.previous, report.champion, report.forced) == ("promoted", None, first.id, True)
    check_champion(store, first)
    assert forced(store, second).summary == (
        f"hex8_2p: {second.id} is the champion, in place of {first.id}, forced: a test"
    )
    check_champion(store, second)
    assert statuses(store, first, second) == ["archived", "production"]
    newest, oldest = history(store, config="hex8_2p")
    assert (newest.model, newest.previous, oldest.model, oldest.previous) == (second.id, first.id, first.id, None)
    assert (oldest.kind, oldest.why) == ("promoted", "the first there is")
    assert oldest.verdict is not None
    assert oldest.verdict["checks"][0]["verdict"] == "passed"


def test_configs_have_champions_of_their_own(store: ModelStore) -> None:
    two, three = registered(store), registered(store, config="hex8_3p")
    forced(store, two)
    forced(store, three)
    check_champion(store, two)
    assert store.champion("hex8_3p") == store.find(three.id)


def test_what_the_gate_refuses_is_kept_in_mind_and_the_champion_stays(store: ModelStore) -> None:
    champion, weak = crowned(store, registered(store)), registered(store, 1)
    context = RunContext(model_settings().gate.model_copy(update={"pause_minutes": 0}))
    report = promote(store, weak, Results(), context)
    assert (report.outcome, report.champion) == ("refused", champion.id)
    assert report.gate is not None
    assert report.gate.failed is not None
    assert report.gate.failed.name == "evaluated"
    assert statuses(store, weak) == ["development"], "it may come again when it has been evaluated"
    entry = history(store, model=weak.id)[0]
    assert (entry.kind, entry.previous, entry.forced) == ("refused", champion.id, False)
    assert entry.why == report.why
    check_champion(store, champion)


def test_a_damaged_model_cannot_be_forced(store: ModelStore) -> None:
    champion, damaged = crowned(store, registered(store)), registered(store, 1)
    store.path(damaged).write_bytes(b"nonsense")
    report = forced(store, damaged)
    assert report.outcome == "refused"
    assert "is not what was registered" in report.why
    assert statuses(store, damaged) == ["rejected"]
    check_champion(store, champion)


def test_the_champion_is_not_promoted_again(store: ModelStore) -> None:
    champion = crowned(store, registered(store))
    report = forced(store, champion)
    assert (report.outcome, report.champion) == ("unchanged", champion.id)
    assert len(history(store)) == 1


# Two at once


def test_who_has_judged_against_a_former_champion_loses(store: ModelStore) -> None:
    first, second, third = (registered(store, seed) for seed in range(3))
    crowned(store, first)
    crowned(store, second)
    with pytest.raises(LostRace, match=f"the champion is {second.id} and not {first.id} any more") as error:
        change_champion(store, third, expected=first.id, kind="promoted", forced=False, why="", verdict=None)
    assert "\n" not in str(error.value)
    with pytest.raises(LostRace, match=f"the champion is {second.id} and not none"):
        change_champion(store, third, expected=None, kind="promoted", forced=False, why="", verdict=None)
    check_champion(store, second)
    assert statuses(store, third) == ["development"]


def test_who_has_passed_the_gate_and_was_too_late_waits(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    first, late, quick = (registered(store, seed) for seed in range(3))
    crowned(store, first)
    gate = run_gate

    def slow_gate(*words: Any, **options: Any) -> GateReport:
        report = gate(*words, **options)
        crowned(store, quick)
        return report

    monkeypatch.setattr(promotion, "run_gate", slow_gate)
    with pytest.raises(LostRace):
        forced(store, late)
    assert statuses(store, first, late, quick) == ["archived", "staging", "production"]
    check_champion(store, quick)


@pytest.mark.parametrize("with_champion", [False, True])
def test_of_two_promotions_at_once_one_wins(store: ModelStore, tmp_path: Path, with_champion: bool) -> None:
    if with_champion:
        crowned(store, registered(store, 9))
    rivals = [registered(store, seed) for seed in range(2)]
    race(store, str(tmp_path / "games.db"), rivals)


def race(store: ModelStore, database: str, rivals: list[StoredModel]) -> None:
    """Let two processes promote a model each, with the same champion before their eyes."""
    before = store.champion("hex8_2p")
    both = [start("promote", database, store.folder, model.id) for model in rivals]
    for process in both:
        go(process)
    told = [finish(process) for process in both]
    assert sorted(line.split(":")[0] for line in told) == ["LostRace", "promoted"]
    winner, loser = rivals if told[0].startswith("promoted") else rivals[::-1]
    (lost,) = (line for line in told if line.startswith("LostRace"))
    assert f"another process was quicker, the champion is {winner.id} and not {before.id if before else 'none'}" in lost
    check_champion(store, winner)
    assert statuses(store, loser) == ["development"]
    assert history(store)[0].model == winner.id


# Readers


def test_a_reader_never_fails_while_champions_change(store: ModelStore, tmp_path: Path) -> None:
    models = [registered(store, seed) for seed in range(2)]
    crowned(store, models[0])
    with start("alternate", str(tmp_path / "games.db"), store.folder, *(model.id for model in models)) as changing:
        while changing.poll() is None:
            load_model(best(store), board="hex8", players=2)
        assert finish(changing) == "changed 60 times"


# Crashes


class Killed(BaseException):
    """As if the process had been killed there."""


def at_call(number: int, original: Callable[..., object]) -> Callable[..., object]:
    """The function, but the call with that number is the last thing that happens."""
    calls = iter(range(100))

    def call(*args: object, **options: object) -> object:
        if next(calls) == number:
            raise Killed
        return original(*args, **options)

    return call


@pytest.mark.parametrize("with_champion", [False, True])
@pytest.mark.parametrize(("renames", "changed"), [(0, (False, False)), (1, (True, False)), (2, (True, True))])
def test_a_promotion_that_was_killed_is_mended(
    store: ModelStore,
    monkeypatch: pytest.MonkeyPatch,
    renames: int,
    changed: tuple[bool, bool],
    with_champion: bool,
) -> None:
    old = crowned(store, registered(store, 1)) if with_champion else None
    new = registered(store)
    before = content(best(store)) if old else (None, None)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "replace", at_call(renames, Path.replace))
        # After both renames it dies before it can tell the database that the files have followed.
        patch.setattr("ringrift.models.champion.update", at_call(0, update))
        crowned(store, new)
    weights, sidecar = content(store.path(new))
    files = [best(store).with_suffix(".json"), best(store)]
    found = [file.read_bytes() if file.exists() else None for file in files]
    assert [found[0] == sidecar, found[1] == weights] == list(changed), "the .json first"
    assert [found[1] == before[0], found[0] == before[1]] == [not changed[1], not changed[0]]
    assert store.champion("hex8_2p") == store.find(new.id), "the database is right"

    report = forced(store, new)
    assert report.outcome == "unchanged"
    check_champion(store, new)
    assert not mend_champion(store, "hex8_2p"), "nothing left to do"


def test_what_a_killed_writer_has_left_is_removed(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    model = registered(store)
    monkeypatch.setattr("ringrift.models.promotion.mend_champion", at_call(0, mend_champion))
    with pytest.raises(Killed):
        crowned(store, model)
    store.folder.joinpath(".ringrift_best_hex8_2p.pth.1234.partial").write_bytes(b"half")
    assert mend_champion(store, "hex8_2p")
    check_champion(store, model)


def test_a_process_killed_at_any_moment_leaves_what_can_be_mended(store: ModelStore, tmp_path: Path) -> None:
    models = [registered(store, seed) for seed in range(2)]
    crowned(store, models[0])
    with start("alternate", str(tmp_path / "games.db"), store.folder, *(model.id for model in models)) as process:
        changes = len(history(store))
        while len(history(store)) < changes + 5:
            assert process.poll() is None
        process.kill()
    mend_champion(store, "hex8_2p")
    champion = store.champion("hex8_2p")
    assert champion is not None
    check_champion(store, champion)


# A champion whose files are not what they should be


@pytest.mark.parametrize("ending", [".pth", ".json"])
@pytest.mark.parametrize("altered", [False, True])
def test_a_champion_missing_or_altered_stops_promotion_and_rollback(
    store: ModelStore, ending: str, altered: bool
) -> None:
    crowned(store, registered(store))
    champion, other = crowned(store, registered(store, 1)), registered(store, 2)
    file = best(store).with_suffix(ending)
    if altered:
        file.write_bytes(b"something else")
    else:
        file.unlink()
    left = {path: path.read_bytes() for path in store.folder.glob("ringrift_best*")}
    message = "is not the champion's file any more" if altered else "the champion's file is missing"
    for change in (lambda: forced(store, other), lambda: rollback(store, "hex8_2p")):
        with pytest.raises(BadChampion, match=f"{file}: {message}: `ringrift models verify --repair`"):
            change()
    assert {path: path.read_bytes() for path in store.folder.glob("ringrift_best*")} == left
    assert store.champion("hex8_2p") == store.find(champion.id)
    assert mend_champion(store, "hex8_2p", overwrite=True)
    check_champion(store, champion)


def test_a_champion_that_nobody_has_registered_is_not_overwritten(store: ModelStore) -> None:
    save_model(best(store), network(seed=5))
    before = content(best(store))
    with pytest.raises(BadChampion, match="is there, but hex8_2p has no champion: `ringrift models register` it"):
        forced(store, registered(store))
    assert content(best(store)) == before
    store.register(best(store))
    champion = registered(store)
    forced(store, champion)
    check_champion(store, champion)


# Back


def test_a_rollback_restores_identical_bytes(store: ModelStore) -> None:
    models = [crowned(store, registered(store, 0))]
    bytes_of_first = content(best(store))
    models += [crowned(store, registered(store, seed)) for seed in (1, 2)]
    assert predecessors(store, "hex8_2p") == [models[1].id, models[0].id]
    report = rollback(store, "hex8_2p", why="it loses")
    assert (report.outcome, report.model, report.previous) == ("restored", models[1].id, models[2].id)
    check_champion(store, models[1])
    assert statuses(store, models[2]) == ["archived"]
    rollback(store, "hex8_2p")
    check_champion(store, models[0])
    assert content(best(store)) == bytes_of_first
    with pytest.raises(BadChampion, match=f"{models[0].id} is the first champion of hex8_2p"):
        rollback(store, "hex8_2p")
    check_champion(store, models[0])
    assert [entry.kind for entry in history(store)] == ["restored", "restored", *["promoted"] * 3]


def test_after_a_rollback_the_next_champion_goes_on_from_there(store: ModelStore) -> None:
    first, second, third = (registered(store, seed) for seed in range(3))
    crowned(store, first)
    crowned(store, second)
    rollback(store, "hex8_2p")
    crowned(store, third)
    assert predecessors(store, "hex8_2p") == [first.id]


def test_a_rollback_to_files_that_are_gone_changes_nothing(store: ModelStore) -> None:
    first, second = (crowned(store, registered(store, seed)) for seed in range(2))
    store.path(first).unlink()
    with pytest.raises(AbsentModel, match="cannot be read"):
        rollback(store, "hex8_2p")
    check_champion(store, second)


def test_without_a_champion_there_is_nothing_to_go_back_from(store: ModelStore) -> None:
    with pytest.raises(BadChampion, match="hex8_2p has no champion"):
        rollback(store, "hex8_2p")
