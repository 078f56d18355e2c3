"""What the gate has measured once is believed by the promotion that follows, and by no other."""

from __future__ import annotations

import time

import pytest

from ringrift.models import ModelStore, PromotionReport, StoredModel, check, history, promote
from tests.models.faults import Crashing, Stand
from tests.models.making import crowned, registered
from tests.models.test_gate import gate_context, results
from tests.models.test_gate import importable as importable
from tests.models.test_promotion import check_champion, statuses

pytestmark = pytest.mark.slow


@pytest.fixture
def champion(store: ModelStore) -> StoredModel:
    return crowned(store, registered(store, 7))


@pytest.fixture
def passed(store: ModelStore, champion: StoredModel) -> StoredModel:
    """A model that has passed the gate, and is to be promoted."""
    model = registered(store)
    report = check(store, model, results(champion.id), gate_context(), factory=Stand)
    assert (report.outcome, report.champion) == ("passed", champion.id), report.why
    return store.find(model.id)


def promoted(store: ModelStore, model: StoredModel, against: str) -> PromotionReport:
    """Promote with players that crash: whoever measures again refuses."""
    return promote(store, model, results(against), gate_context(), factory=Crashing)


def test_the_gate_alone_promotes_nobody_and_keeps_its_answer(
    store: ModelStore, champion: StoredModel, passed: StoredModel
) -> None:
    check_champion(store, champion)
    assert passed.status == "staging"
    entry = history(store, model=passed.id)[0]
    assert (entry.kind, entry.why, entry.previous) == ("passed", "passed", champion.id)
    assert entry.verdict is not None
    assert {one["verdict"] for one in entry.verdict["checks"]} == {"passed"}


def test_a_no_of_the_gate_alone_is_kept_too(store: ModelStore, champion: StoredModel) -> None:
    model = registered(store)
    report = check(store, model, results(champion.id), gate_context(), factory=Crashing)
    assert (report.outcome, report.champion) == ("refused", champion.id)
    assert report.why.startswith("no: finish: ")
    assert [entry.kind for entry in history(store, model=model.id)] == ["refused"]
    assert statuses(store, model) == ["rejected"]


def test_the_promotion_that_follows_measures_nothing_again(
    store: ModelStore, champion: StoredModel, passed: StoredModel
) -> None:
    report = promoted(store, passed, champion.id)
    assert (report.outcome, report.previous) == ("promoted", champion.id)
    check_champion(store, passed)
    assert [entry.kind for entry in history(store, model=passed.id)] == ["promoted", "passed"]
    assert check(store, passed, results(), gate_context(), factory=Crashing).outcome == "unchanged"


def test_a_model_that_was_altered_since_is_refused(
    store: ModelStore, champion: StoredModel, passed: StoredModel
) -> None:
    store.path(passed).write_bytes(b"something else")
    report = promoted(store, passed, champion.id)
    assert (report.outcome, report.why.partition(": the file")[0]) == ("refused", "no: file")
    check_champion(store, champion)


def test_a_champion_that_was_changed_since_asks_for_another_gauntlet(
    store: ModelStore, champion: StoredModel, passed: StoredModel
) -> None:
    other = crowned(store, registered(store, 8))
    assert statuses(store, passed) == ["development"], "it has passed nothing that counts now"
    report = promoted(store, passed, champion.id)
    assert report.outcome == "refused"
    assert f"its gauntlet was against {champion.id}: evaluate it again" in report.why
    check_champion(store, other)


def test_a_champion_that_was_away_and_came_back_is_measured_against_again(
    store: ModelStore, champion: StoredModel, passed: StoredModel
) -> None:
    crowned(store, registered(store, 8))
    crowned(store, champion)
    assert promoted(store, passed, champion.id).why.startswith("no: finish: ")


@pytest.mark.parametrize(
    "change",
    [
        {"trial": {"random": 0.85}},
        {"trial": {"heuristic_games": 4}},
        {"trial": {"player": "gumbel:{model}@16"}},
        {"inference": {"positions": 5, "milliseconds": 90}},
    ],
)
def test_another_question_is_measured_again(
    store: ModelStore,
    champion: StoredModel,
    passed: StoredModel,
    change: dict[str, dict[str, float]],
) -> None:
    context = gate_context()
    asked = context.settings
    for name, values in change.items():
        asked = asked.model_copy(update={name: getattr(asked, name).model_copy(update=values)})
    report = promote(store, passed, results(champion.id), context.with_settings(asked), factory=Crashing)
    assert report.why.startswith("no: finish: ")


def test_an_old_answer_is_not_believed(
    store: ModelStore, champion: StoredModel, passed: StoredModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 49 * 3600)
    assert promoted(store, passed, champion.id).why.startswith("no: finish: ")


def test_what_costs_nothing_is_looked_at_again(store: ModelStore, champion: StoredModel, passed: StoredModel) -> None:
    report = promote(store, passed, results(champion.id, champion=0.4), gate_context(), factory=Crashing)
    assert report.why.startswith("no: gauntlet champion: ")
    check_champion(store, champion)
