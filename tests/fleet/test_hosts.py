"""The settings of the fleet say what is wrong in them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ringrift.fleet.hosts import Host, chosen_hosts, fleet_settings, hosts
from ringrift.settings import BadSettings

ENTRY: dict[str, object] = {"address": "gpu.example", "user": "ringrift", "roles": ["selfplay"]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path))
    return tmp_path


def write(folder: Path, **entries: dict[str, object]) -> dict[str, Host]:
    (folder / "hosts.yaml").write_text(yaml.safe_dump({"hosts": entries}))
    return hosts()


def test_the_settings_that_come_with_ringrift_are_sound_and_name_no_host() -> None:
    assert hosts() == {}
    assert fleet_settings().sync.min_games == 5
    with pytest.raises(BadSettings, match=r"hosts\.yaml: there are no hosts in it"):
        chosen_hosts(hosts(), [])


def test_a_host_has_sensible_defaults(folder: Path) -> None:
    host = write(folder, **{"gpu-1": ENTRY})["gpu-1"]
    assert (host.port, host.slots, host.gpus, host.jobs) == (22, 1, 0, "~/ringrift/data/jobs")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"adress": "x"}, r"hosts\.gpu-1\.adress: unknown"),
        ({"port": 70_000}, r"hosts\.gpu-1\.port: .*less than or equal to 65535, not 70000"),
        ({"roles": ["selfplaying"]}, r"hosts\.gpu-1\.roles\.0: .*'selfplay', 'training'"),
        ({"roles": []}, r"hosts\.gpu-1\.roles: "),
        ({"user": None}, r"hosts\.gpu-1: .*user is missing"),
        ({"address": None}, r"hosts\.gpu-1: .*address is missing"),
        ({"connection": "ssh_gpu_1"}, r"hosts\.gpu-1: .*connection ssh_gpu_1 says what address, user would say, too"),
        ({"address": "-oProxyCommand=x"}, r"hosts\.gpu-1\.address: "),
        ({"address": "a..b"}, r"hosts\.gpu-1: .*address 'a\.\.b' cannot be the name of a machine"),
        ({"home": "games"}, r"hosts\.gpu-1\.home: "),
        ({"host_key": "SHA256:abc"}, r"hosts\.gpu-1\.host_key: "),
        ({"configs": ["square9"]}, r"hosts\.gpu-1: .*configs: 'square9': unknown; did you mean 'square19'"),
        ({"configs": []}, r"hosts\.gpu-1\.configs: "),
        ({"priority": "low"}, r"hosts\.gpu-1\.priority: "),
        ({"jumps": [{"address": "gate"}]}, r"hosts\.gpu-1\.jumps\.0: .*user is missing"),
        ({"jumps": [{"address": "gate", "user": "x", "slots": 1}]}, r"hosts\.gpu-1\.jumps\.0\.slots: unknown"),
        ({"overlay": "a..b"}, r"hosts\.gpu-1: .*overlay 'a\.\.b' cannot be the name of a machine"),
        ({"gpu": "H100"}, r"hosts\.gpu-1: .*gpus, their number, is 0"),
    ],
)
def test_what_is_wrong_with_a_host_is_one_line(folder: Path, change: dict[str, object], said: str) -> None:
    with pytest.raises(BadSettings, match=said) as caught:
        write(folder, **{"gpu-1": ENTRY | change})
    assert "\n" not in str(caught.value)


def test_names_are_those_of_folders_and_no_place_has_two_names(folder: Path) -> None:
    for name in ("../x", "local", "a b"):
        with pytest.raises(BadSettings, match="a name consists of"):
            write(folder, **{name: ENTRY})
    with pytest.raises(BadSettings, match="one and two are the same folder of the same machine"):
        write(folder, one=ENTRY, two=ENTRY)


def test_hosts_are_chosen_by_name_or_by_role(folder: Path) -> None:
    known = write(folder, one=ENTRY, two=ENTRY | {"home": "/srv", "roles": ["training"]})
    assert list(chosen_hosts(known, [], "selfplay")) == ["one"]
    assert list(chosen_hosts(known, ["two"], "selfplay")) == ["two"]
    with pytest.raises(BadSettings, match="host 'tow': unknown; did you mean 'two'"):
        chosen_hosts(known, ["tow"])
    with pytest.raises(BadSettings, match="no host has the role tournament"):
        chosen_hosts(known, [], "tournament")
