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
SERVICES = {"postgres", "redis", "statsd", "migrate", "api-server", "scheduler", "dag-processor", "triggerer", "worker"}


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
        assert re.search(r":(v?\d+\.\d+|local$)", service["image"]), name
        assert "healthcheck" in service or name in ("migrate", "statsd"), name


def test_secrets_come_from_the_environment(compose: Any) -> None:
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD$|SECRET$|KEY$", variable):
                assert str(value).startswith("${"), (name, variable)
    assert "://airflow:${" in COMPOSE.read_text()


def test_the_image_is_built_from_what_is_pinned() -> None:
    text = (REPOSITORY / "Dockerfile").read_text()
    assert re.search(r"^FROM python:\d+\.\d+\.\d+-", text, re.MULTILINE)
    assert "--constraint constraints.txt" in text
    for copied in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE):
        for name in copied.split():
            assert (REPOSITORY / name).exists(), name
