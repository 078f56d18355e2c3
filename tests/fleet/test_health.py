"""Who gets which host, and how hosts go out of service and come back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ringrift.fleet import Unreachable
from ringrift.fleet.health import Health
from ringrift.fleet.hosts import HealthSettings, Host
from ringrift.fleet.placement import Needs, NoHost
from ringrift.fleet.ssh import Unusable
from ringrift.game_database import GamesDatabase

SETTINGS = HealthSettings(
    failures=3,
    together_seconds=0,
    forget_minutes=60,
    first_pause_seconds=60,
    longest_pause_minutes=60,
    unstarted_minutes=10,
    unfit_minutes=10,
)
TROUBLE = Unreachable("gpu: no answer")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def host(*roles: str, slots: int = 1, gpus: int = 0) -> Host:
    facts = {"address": "x", "user": "x", "roles": list(roles or ("selfplay",)), "slots": slots, "gpus": gpus}
    return Host.model_validate(facts)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[GamesDatabase]:
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as made:
        yield made


def health(database: GamesDatabase, clock: Clock, **hosts: Host) -> Health:
    return Health(database, hosts, SETTINGS, clock)


def test_a_job_goes_where_its_role_is_and_keeps_its_place(database: GamesDatabase, clock: Clock) -> None:
    fleet = health(database, clock, one=host("training"), two=host("selfplay"))
    place = fleet.choose("job", "selfplay")
    assert place.host == "two"
    assert fleet.choose("job", "selfplay") == place
    with pytest.raises(
        NoHost, match=r"no host for other: one is not for selfplay; two has no free slot \(1 of 1 taken\)"
    ):
        fleet.choose("other", "selfplay")
    fleet.release("job")
    assert fleet.choose("other", "selfplay").host == "two"


def test_a_clock_that_was_set_back_keeps_no_host_out_of_service(database: GamesDatabase, clock: Clock) -> None:
    fleet = health(database, clock, one=host())
    clock.now += 10_000_000
    for _ in range(SETTINGS.failures):
        fleet.failed("one", TROUBLE)
    assert list(fleet.resting()) == ["one"]
    clock.now -= 10_000_000
    assert fleet.resting() == {}
    fleet.failed("one", TROUBLE)
    assert "tried again in 120 s" in fleet.resting()["one"]


def test_jobs_are_spread_by_the_share_of_free_slots(database: GamesDatabase, clock: Clock) -> None:
    fleet = health(database, clock, small=host(slots=1), large=host(slots=3))
    chosen = [fleet.choose(f"job-{number}", "selfplay").host for number in range(4)]
    assert sorted(chosen) == ["large", "large", "large", "small"]


def test_each_gpu_is_given_once(database: GamesDatabase, clock: Clock) -> None:
    fleet = health(database, clock, one=host(slots=4, gpus=3))
    assert fleet.choose("a", "selfplay", needs=Needs(2)).gpus == (0, 1)
    assert fleet.choose("b", "selfplay", needs=Needs(1)).gpus == (2,)
    with pytest.raises(NoHost, match="has 0 of its 3 GPUs free, 1 are needed"):
        fleet.choose("c", "selfplay", needs=Needs(1))
    fleet.release("a")
    assert fleet.choose("c", "selfplay", needs=Needs(1)).gpus == (0,)


def test_who_has_failed_least_recently_comes_first(database: GamesDatabase, clock: Clock) -> None:
    fleet = health(database, clock, one=host(slots=9), two=host(slots=9), three=host(slots=9))
    for name in ("three", "one"):
        fleet.failed(name, TROUBLE)
        clock.now += 10
    assert fleet.choose("a", "selfplay").host == "two"
    assert fleet.choose("b", "selfplay", excluded={"two": "is full"}).host == "three"
    fleet.answered("one")
    assert fleet.choose("c", "selfplay", excluded={"two": "is full"}).host == "one"


def test_the_unfinished_job_of_a_dead_host_goes_to_another(database: GamesDatabase, clock: Clock) -> None:
    fleet = health(database, clock, one=host(), two=host())
    first = fleet.choose("job", "selfplay").host
    other = fleet.choose("job", "selfplay", excluded={first: "is silent"})
    assert other.host != first
    assert fleet.taken() == [other]


def test_a_host_is_retired_after_failures_in_a_row_and_tried_with_growing_pauses(
    database: GamesDatabase, clock: Clock
) -> None:
    fleet = health(database, clock, one=host())
    fleet.failed("one", TROUBLE)
    fleet.failed("one", TROUBLE)
    fleet.answered("one")
    fleet.failed("one", TROUBLE)
    fleet.failed("one", TROUBLE)
    assert fleet.conditions()["one"].retired is None
    pauses = []
    for _ in range(9):
        condition = fleet.failed("one", TROUBLE)
        assert condition.probe is not None
        pauses.append(condition.probe - clock.now)
        assert list(fleet.resting()) == ["one"]
        clock.now = condition.probe
        assert fleet.resting() == {}
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    with pytest.raises(NoHost, match=r"one is retired \(gpu: no answer\)"):
        fleet.choose("job", "selfplay")
    assert fleet.answered("one")
    assert fleet.choose("job", "selfplay").host == "one"


def test_all_who_find_a_retired_host_silent_count_as_one_trial(database: GamesDatabase, clock: Clock) -> None:
    fleet = health(database, clock, one=host())
    for pause in (60, 120, 240):
        told = [fleet.failed("one", TROUBLE) for _ in range(8)][-1]
        assert told.probe == clock.now + pause
        clock.now += pause - 1
        assert fleet.failed("one", Unusable("one: does not let in x")).probe == told.probe
        clock.now += 1


def test_failures_of_long_ago_do_not_count(database: GamesDatabase, clock: Clock) -> None:
    fleet = health(database, clock, one=host())
    for _ in range(5):
        fleet.failed("one", TROUBLE)
        clock.now += 3601
    assert fleet.conditions()["one"].failures == 0
    assert fleet.conditions()["one"].retired is None


def test_what_many_notice_at_once_is_one_failure(database: GamesDatabase, clock: Clock) -> None:
    fleet = Health(database, {"one": host()}, SETTINGS.model_copy(update={"together_seconds": 10}), clock)
    for failures in (1, 2, 3):
        for _ in range(4):
            assert fleet.failed("one", TROUBLE).failures == failures
            clock.now += 1
        clock.now += 10
    assert fleet.conditions()["one"].retired is not None


def test_a_changed_key_retires_at_once(database: GamesDatabase, clock: Clock) -> None:
    fleet = health(database, clock, one=host())
    fleet.failed("one", Unusable("one: THE HOST KEY HAS CHANGED"))
    assert "tried again in 60 s: one: THE HOST KEY HAS CHANGED" in fleet.resting()["one"]


def test_a_place_whose_job_its_host_does_not_know_is_free_after_a_while(database: GamesDatabase, clock: Clock) -> None:
    fleet = health(database, clock, one=host(slots=3))
    for job in ("dead", "alive"):
        fleet.choose(job, "selfplay")
    assert fleet.reconcile("one", ["alive"]) == []
    clock.now += 601
    fleet.choose("young", "selfplay")
    assert fleet.reconcile("one", ["alive"]) == ["dead"]
    assert [place.job for place in fleet.taken()] == ["alive", "young"]


def test_many_at_once_get_no_place_twice(database: GamesDatabase, clock: Clock) -> None:
    fleet = health(database, clock, one=host(slots=3, gpus=3), two=host(slots=2, gpus=2))
    barrier = threading.Barrier(8)

    def ask(number: int) -> tuple[str, tuple[int, ...]] | None:
        barrier.wait()
        try:
            place = fleet.choose(f"job-{number}", "selfplay", needs=Needs(1))
        except NoHost:
            return None
        return place.host, place.gpus

    with ThreadPoolExecutor(8) as pool:
        found = [place for place in pool.map(ask, range(8)) if place]
    assert sorted(found) == [("one", (0,)), ("one", (1,)), ("one", (2,)), ("two", (0,)), ("two", (1,))]


def test_a_job_that_is_given_up_keeps_its_place_until_it_is_ended(database: GamesDatabase, clock: Clock) -> None:
    fleet = health(database, clock, one=host(), two=host())
    place = fleet.choose("job", "selfplay")
    fleet.choose("other", "selfplay")
    fleet.abandon("job")
    assert fleet.abandoned(place.host) == ["job"]
    assert fleet.lacks("selfplay") == (
        "no host for a job: one has no free slot (1 of 1 taken); two has no free slot (1 of 1 taken)"
    )
    fleet.release("job")
    assert fleet.abandoned(place.host) == []
    assert fleet.lacks("selfplay") is None
    assert f"{place.host} is avoided (its disk is full)" in str(
        fleet.lacks("selfplay", excluded={place.host: "its disk is full"})
    )
