"""Whatever stands in a file that we keep, it is read, or refused in a line that names the file."""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringrift.datasets.dataset import open_dataset
from ringrift.datasets.layout import IDENTITY_BYTES
from ringrift.datasets.manifest import read_manifest
from ringrift.errors import RingRiftError
from ringrift.game.records import read_records
from ringrift.game_database import GamesDatabase, ingest
from ringrift.game_database.selection import Selection, newest
from ringrift.networks import load_model, read_id, read_info
from ringrift.pipeline.halt import halted
from ringrift.pipeline.iteration import Iteration, StageResult, last_iteration, write_iteration
from ringrift.selfplay.files import GameFiles, games_in_file
from ringrift.training.checkpoints import load_checkpoint
from ringrift.training.history import read_history
from ringrift.training.replay_ratio import read_games, write_games
from tests.contexts import ingest_context
from tests.fuzz.conftest import FUZZ

pytestmark = pytest.mark.slow

OLD = Path(__file__).parent.parent / "old_formats"


def list_games(path: Path) -> None:
    with GamesDatabase(str(path)) as database:
        newest(database, Selection(), 10)


def ingest_games(path: Path) -> None:
    with GamesDatabase(str(path.parent / "ingested.db"), create=True) as database:
        ingest(database, [path], ingest_context(), threads=1)


def taken_games(path: Path) -> None:
    with GameFiles(path.parent, "run", limit=1 << 20):
        pass


READERS: dict[str, Callable[[Path], object]] = {
    "models/square8_2p/cbc27761cfb29d37.pth": load_model,
    "models/square8_2p/cbc27761cfb29d37.json": lambda path: (read_info(path), read_id(path)),
    "runs/square8_2p/504dda7d5bc1/checkpoints/emergency-000000007-511c0ef4fbbb44cf.pt": load_checkpoint,
    "runs/square8_2p/504dda7d5bc1/history.jsonl": read_history,
    "runs/square8_2p/504dda7d5bc1/games.npy": lambda path: read_games(path.parent),
    "training/square8_2p.json": lambda path: (read_manifest(path), open_dataset(path)),
    "training/square8_2p.npz": lambda path: open_dataset(path.with_suffix(".json")),
    "iterations/square8_2p/00001.json": lambda path: last_iteration(path.parent.parent, "square8_2p"),
    "data/halt.json": lambda path: halted(path.parent.parent),
    "games.db": list_games,
    "games.jsonl": ingest_games,
    "games.jsonl.gz": lambda path: (ingest_games(path), games_in_file(path)),
    "records.jsonl": lambda path: list(read_records(path)),
    "records.jsonl.gz": lambda path: list(read_records(path)),
    "worker/run-000001.taken": taken_games,
}
"""The files of the formats, and who reads them."""

TEXTS = [
    b"",
    b"[1]",
    b"null",
    b"{}",
    b"NaN",
    b"[" * 3000,
    b'{"a":' * 3000,
    b"\xef\xbb\xbf{}",
    b"9" * 5000,
    b"\x93NUMPY",
]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A sound file of every format."""
    folder = tmp_path_factory.mktemp("samples")
    with tarfile.open(OLD / "training.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    games = gzip.decompress((OLD / "games.jsonl.gz").read_bytes())
    write_games(folder / "runs/square8_2p/504dda7d5bc1", np.array([b"0123456789abcdef"], f"S{IDENTITY_BYTES}"))
    stages = {"selfplay": StageResult("20 games", {"games": 20})}
    write_iteration(folder / "iterations", Iteration("square8_2p", 1, stages))
    made = {
        "games.db": gzip.decompress((OLD / "games.db.gz").read_bytes()),
        "games.jsonl": games,
        "games.jsonl.gz": gzip.compress(games),
        "records.jsonl": games,
        "records.jsonl.gz": gzip.compress(games),
        "data/halt.json": b'{"reason": "a test", "since": 1767225600}\n',
        "worker/run-000001.taken": b"[1,2,3]\n",
    }
    for name, content in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(samples: dict[str, bytes], tmp_path: Path) -> Path:
    for name, content in samples.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


def read(name: str, folder: Path) -> None:
    try:
        READERS[name](folder / name)
    except RingRiftError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 3000


def test_every_sample_has_a_reader(samples: dict[str, bytes]) -> None:
    alike = {name for name in samples if ".holdout." in name or name.endswith("report.json")}
    assert samples.keys() - alike == READERS.keys()


@pytest.mark.parametrize("name", READERS)
def test_a_sound_file_is_read(name: str, folder: Path) -> None:
    read(name, folder)


@pytest.mark.parametrize("name", READERS)
def test_what_is_no_file_is_refused(name: str, folder: Path) -> None:
    path = folder / name
    path.unlink()
    read(name, folder)
    path.mkdir()
    read(name, folder)


@pytest.mark.parametrize("name", READERS)
def test_a_file_with_any_damage_is_read_or_refused(name: str, folder: Path, samples: dict[str, bytes]) -> None:
    sound = samples[name]
    places = st.integers(0, len(sound))

    @FUZZ
    @given(places, places, st.sampled_from(TEXTS) | st.binary(max_size=16))
    def try_out(start: int, end: int, text: bytes) -> None:
        for content in (sound[: min(start, end)], sound[:start] + text + sound[max(start, end) :], text):
            (folder / name).write_bytes(content)
            read(name, folder)

    try_out()


@pytest.mark.parametrize("name", [name for name in READERS if name.endswith((".json", ".jsonl", ".taken"))])
def test_json_with_any_value_at_any_place_is_read_or_refused(
    name: str, folder: Path, samples: dict[str, bytes]
) -> None:
    from tests.fuzz.test_settings_files import HOSTILE, changed, places

    first, _, rest = samples[name].partition(b"\n") if name.endswith("l") else (samples[name], b"", b"")
    content = json.loads(first)
    ways = list(places(content))

    @FUZZ
    @given(st.sampled_from(ways), st.sampled_from(HOSTILE))
    def try_out(way: tuple[object, ...], value: object) -> None:
        (folder / name).write_bytes(json.dumps(changed(content, way, value)).encode() + b"\n" + rest)
        read(name, folder)

    try_out()
