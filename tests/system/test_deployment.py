"""The files of a real deployment, as far as they can be checked without containers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
COMPOSE = REPOSITORY / "docker-compose.yaml"
MONITORING = {"metrics", "prometheus", "alertmanager", "grafana"}
SERVICES = {
    *("postgres", "redis", "statsd", "migrate", "api-server", "scheduler", "dag-processor", "triggerer", "worker"),
    *MONITORING,
}


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load(COMPOSE.read_text())


def test_the_compose_file_is_one_by_the_schema_of_the_specification() -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [program, "--builtin-schema", "vendor.compose-spec", COMPOSE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_services_are_there_pinned_and_watched(compose: Any) -> None:
    assert set(compose["services"]) == SERVICES
    for name, service in compose["services"].items():
        assert re.search(r":(v?\d+\.\d+\S*@sha256:[0-9a-f]{64}|local)$", service["image"]), name
        assert "healthcheck" in service or name == "migrate", name


def test_ports_are_open_to_this_machine_alone_unless_told_otherwise(compose: Any) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert len(ports) == 6
    assert all(re.fullmatch(r"\$\{RINGRIFT_PUBLISH_HOST:-127\.0\.0\.1\}:(\d+):\1", port) for port in ports)


def test_monitoring_starts_only_when_it_is_asked_for_and_is_one_network(compose: Any) -> None:
    for name, service in compose["services"].items():
        assert service.get("profiles") == (["monitoring"] if name in MONITORING else None)
        if name in MONITORING - {"metrics"}:
            assert service["network_mode"] == "service:metrics"
            assert "./include/monitoring:/etc/ringrift:ro" in service["volumes"]
    settings = yaml.safe_load((REPOSITORY / "include/monitoring/prometheus.yaml").read_text())
    assert settings["scrape_configs"][0]["static_configs"] == [{"targets": ["localhost:9090"]}]
    assert "--web.listen-address=:9091" in compose["services"]["prometheus"]["command"]


def test_secrets_come_from_the_environment(compose: Any) -> None:
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD$|SECRET$|KEY$", variable):
                assert str(value).startswith("${"), (name, variable)
    assert "://airflow:${" in COMPOSE.read_text()


def test_the_api_server_has_a_password_file_that_it_may_write(compose: Any) -> None:
    service = compose["services"]["api-server"]
    file = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"
    assert service["environment"][file].startswith("/opt/airflow/"), "files of /run/secrets are read-only"
    assert service["secrets"] == ["passwords"]
    (command,) = service["command"]
    assert command.split(" && ") == [
        f'install -m 600 /run/secrets/passwords "$${file}"',
        "exec airflow api-server",
    ]


def test_volumes_are_mounted_on_folders_that_the_user_of_the_image_owns(compose: Any) -> None:
    made, owned = re.findall(
        r"(?:mkdir -p|chown -R ringrift) (.+?)(?: \\)?$", (REPOSITORY / "Dockerfile").read_text(), re.M
    )
    for service in compose["services"].values():
        if service["image"] == "ringrift:local":
            for volume in service["volumes"]:
                place = re.search(r":(/[^:]+)(:ro)?$", volume)
                assert place, volume
                if not volume.startswith("./"):
                    assert place[1] in made.split(), volume
                assert any(f"{place[1]}/".startswith(f"{folder}/") for folder in owned.split()), volume


def test_the_image_is_built_from_what_is_pinned() -> None:
    text = (REPOSITORY / "Dockerfile").read_text()
    assert re.search(r"^FROM python:\d+\.\d+\.\d+-\S+@sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    assert "--constraint constraints.txt" in text
    for copied in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE):
        for name in copied.split():
            assert (REPOSITORY / name).exists(), name
