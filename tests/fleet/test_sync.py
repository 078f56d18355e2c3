"""Games of real hosts are brought here: whole lines, each once, whatever happens in between."""

from __future__ import annotations

import asyncio
import gzip
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringrift.fleet import sync as sync_module
from ringrift.fleet.mirror import target_of
from ringrift.fleet.ssh import SshShell
from ringrift.fleet.sync import HostSync, Sync, SyncReport, stream_games, sync_games
from ringrift.run_context import RunContext
from ringrift.selfplay.files import GameFiles, compress, count_games, game_files, read_lines
from tests.fleet.servers import Server, Wire, connection_settings, server, settings_for_tests
from tests.fleet.test_ssh import NASTY

pytestmark = pytest.mark.slow

LARGE = 1 << 30


def line(game: int, size: int = 60) -> bytes:
    """A game, as far as sync is concerned."""
    filling = random.Random(game).randbytes(size // 2).hex()
    return b'{"run":"run","game":%d,"filling":"%s"}\n' % (game, filling.encode())


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("sync")
        names = ("gpu-1", "gpu-2", "gpu-3")
        yield [stack.enter_context(server(folder / name, name)) for name in names]


@pytest.fixture
def gpu(servers: list[Server]) -> Iterator[Server]:
    """A host without games."""
    yield servers[0]
    for found in servers:
        subprocess.run(["rm", "-rf", found.games], check=True)


@pytest.fixture(params=["rsync", "sftp"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "sftp":
        monkeypatch.setattr(sync_module, "have_rsync", lambda: False)
    return str(request.param)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "selfplay"


def worker(host: Server, name: str = "0", config: str = "square8_2p") -> Path:
    folder = host.games / config / host.name / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def play(folder: Path, *games: int, size: int = 60, close: bool = False) -> None:
    """Add games to the file that grows, as a worker does, and close it if that is asked for."""
    with ExitStack() as stack:
        files = stack.enter_context(GameFiles(folder, "run", limit=LARGE))
        for game in games:
            files.append(line(game, size))
        if not close:
            stack.pop_all()
            os.close(files._lock)


def bring(root: Path, *hosts: Server, **sync: object) -> SyncReport:
    known = {host.name: host.host(port=host.via or host.port) for host in hosts}
    return sync_games(known, settings_for_tests(**sync), root=root)


def bring_one(root: Path, host: Server, **sync: object) -> HostSync:
    (found,) = bring(root, host, **sync).hosts
    return found


def games_in(root: Path) -> Counter[bytes]:
    return Counter(whole for path in game_files(root) for whole in read_lines(path))


def all_of(*games: int, size: int = 60) -> Counter[bytes]:
    return Counter(line(game, size) for game in games)


def names(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*.jsonl*") if ".incoming" not in path.parts)


def staged(root: Path) -> list[Path]:
    return [path for path in (root / ".incoming").rglob("*") if path.is_file() and path.name != ".lock"]


def test_a_growing_file_is_followed_until_it_is_compressed(gpu: Server, root: Path, way: str) -> None:
    folder = worker(gpu)
    play(folder, 0, 1, 2)
    first = bring_one(root, gpu)
    assert (first.games, first.way, first.trouble) == (3, way, "")
    assert games_in(root) == all_of(0, 1, 2)
    play(folder, 3, 4)
    assert bring_one(root, gpu).games == 2
    assert names(root) == ["square8_2p/gpu-1/0/run-000001.jsonl"]
    play(folder, 5, close=True)
    play(folder, 6)
    assert bring_one(root, gpu).games == 2
    assert names(root) == ["square8_2p/gpu-1/0/run-000001.jsonl.gz", "square8_2p/gpu-1/0/run-000002.jsonl"]
    assert games_in(root) == all_of(*range(7))
    last = bring_one(root, gpu)
    assert (last.games, last.files, last.bytes, last.way) == (0, 0, 0, "")
    assert staged(root) == []


def test_what_comes_is_the_very_bytes_of_the_host(gpu: Server, root: Path, way: str) -> None:
    for name in ("0", "1"):
        play(worker(gpu, name), *range(200), size=5000, close=True)
        play(worker(gpu, name), *range(200, 500), size=40_000)
    bring(root, gpu)
    for path in game_files(gpu.games):
        assert (root / path.relative_to(gpu.games)).read_bytes() == path.read_bytes()


def test_a_torn_line_stays_on_its_host_until_it_is_whole(gpu: Server, root: Path, way: str) -> None:
    folder = worker(gpu)
    play(folder, 0)
    path = folder / "run-000001.jsonl"
    with path.open("ab") as file:
        file.write(line(1)[:-9])
    assert bring_one(root, gpu).games == 1
    assert (root / path.relative_to(gpu.games)).read_bytes() == line(0)
    play(folder, 2)  # the worker begins again, and cuts off what is torn
    assert bring_one(root, gpu).games == 1
    assert games_in(root) == all_of(0, 2)


def test_a_few_new_games_wait_until_there_are_more_or_their_file_is_closed(gpu: Server, root: Path) -> None:
    play(worker(gpu), 0, 1, 2)
    report = bring(root, gpu, min_games=5)
    assert (report.games, report.hosts[0].waiting) == (0, 3)
    assert "gpu-1: 3 of 5 new games" in str(report)
    play(worker(gpu, "1"), 3, 4)
    assert bring_one(root, gpu, min_games=5).games == 5
    play(worker(gpu), 5, close=True)
    assert bring_one(root, gpu, min_games=5).games == 1
    assert games_in(root) == all_of(*range(6))


def test_a_cut_in_the_middle_costs_nothing_that_had_come(gpu: Server, root: Path, way: str) -> None:
    play(worker(gpu), *range(300), size=20_000, close=True)  # 3 MB that compression cannot shrink below half
    wire = Wire(gpu.port)
    gpu.via = wire.port
    try:
        wire.cut_after(1_500_000)
        cut = bring_one(root, gpu, stall_seconds=1)
        assert (cut.games, cut.reaction) == (0, "retry later")
        assert games_in(root) == all_of()
        (part,) = staged(root)
        had = part.stat().st_size
        assert had > 500_000
        wire.mend()
        wire.cut_after(3_500_000 - had)  # not enough to fetch all of it again
        assert bring_one(root, gpu).games == 300
        assert games_in(root) == all_of(*range(300), size=20_000)
    finally:
        gpu.via = None
        wire.close()


def test_a_process_that_is_killed_leaves_nothing_in_the_way_of_the_next(gpu: Server, root: Path) -> None:
    play(worker(gpu), *range(300), size=20_000, close=True)
    script = (
        "import sys; from pathlib import Path; from ringrift.fleet.hosts import *; from ringrift.fleet.sync import *\n"
        "from tests.fleet.servers import settings_for_tests\n"
        f"host = Host.model_validate({gpu.entry()!r})\n"
        f"sync_games({{'gpu-1': host}}, settings_for_tests(megabytes_per_second=1), root=Path({str(root)!r}))\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], start_new_session=True) as process:
        while not staged(root):
            assert process.poll() is None
            time.sleep(0.01)
        assert "another process brings its games" in bring_one(root, gpu).trouble
        process.send_signal(signal.SIGKILL)
    assert games_in(root) == all_of()
    wait_for(lambda: bring_one(root, gpu).games == 300)  # its rsync may live a moment longer
    assert games_in(root) == all_of(*range(300), size=20_000)


def test_what_was_damaged_on_its_way_is_fetched_again(
    gpu: Server, root: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(worker(gpu), *range(10), close=True)
    play(worker(gpu, "1"), 10, 11)
    bring(root, gpu)
    play(worker(gpu, "1"), 12, 13)
    play(worker(gpu, "2"), 14, close=True)
    fetch = getattr(sync_module, f"fetch_by_{way}")

    async def damage(*words: object) -> None:
        await fetch(*words)
        for path in staged(root):
            content = bytearray(path.read_bytes())
            content[-20] ^= 1
            path.write_bytes(content)

    with monkeypatch.context() as patch:
        patch.setattr(sync_module, f"fetch_by_{way}", damage)
        found = bring_one(root, gpu)
        assert (found.games, found.again) == (0, 2)
        assert games_in(root) == all_of(*range(12))
    assert bring_one(root, gpu).games == 3
    assert games_in(root) == all_of(*range(15))


def test_a_host_that_has_lost_its_games_loses_none_here(gpu: Server, root: Path, way: str) -> None:
    folder = worker(gpu)
    play(folder, 0, 1, 2)
    bring(root, gpu)
    (folder / "run-000001.jsonl").unlink()
    play(folder, 0, 7)  # begun anew, under the same name
    assert bring_one(root, gpu).games == 1
    assert games_in(root) == all_of(0, 1, 2, 7)
    play(folder, 8, 9, 10, 11)  # longer than it was
    assert bring_one(root, gpu).games == 4
    (folder / "run-000001.jsonl").write_bytes(
        line(20) + line(21) + line(22) + line(23) + line(24) + line(25) + line(26)
    )
    assert bring_one(root, gpu).games == 7
    play(folder, close=True)
    bring(root, gpu)
    assert games_in(root) == all_of(0, 1, 2, *range(7, 12), *range(20, 27))


def test_what_a_killed_process_left_here_is_put_in_order(gpu: Server, root: Path) -> None:
    play(worker(gpu), 0, 1)
    bring(root, gpu)
    here = root / "square8_2p" / "gpu-1" / "0" / "run-000001.jsonl"
    with here.open("ab") as file:
        file.write(line(2)[:11])  # while it appended
    play(worker(gpu), 2)
    assert bring_one(root, gpu).games == 1
    assert here.read_bytes() == line(0) + line(1) + line(2)
    play(worker(gpu), 3, close=True)
    plain = here.read_bytes()
    bring(root, gpu)
    here.write_bytes(plain)  # before it removed the plain file
    assert count_games(root / "square8_2p") == 4
    bring(root, gpu)
    assert names(root) == ["square8_2p/gpu-1/0/run-000001.jsonl.gz"]
    assert games_in(root) == all_of(0, 1, 2, 3)


def test_a_file_that_is_compressed_while_it_is_fetched_is_found_under_its_new_name(
    gpu: Server, root: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = worker(gpu)
    play(folder, 0, 1)
    fetch = getattr(sync_module, f"fetch_by_{way}")

    async def compressed_meanwhile(*words: object) -> None:
        compress(folder / "run-000001.jsonl")
        await fetch(*words)

    with monkeypatch.context() as patch:
        patch.setattr(sync_module, f"fetch_by_{way}", compressed_meanwhile)
        assert bring_one(root, gpu).games == 0
    assert bring_one(root, gpu).games == 2
    assert games_in(root) == all_of(0, 1)


def test_a_file_that_is_damaged_on_its_host_comes_as_it_is_there_once(gpu: Server, root: Path, way: str) -> None:
    folder = worker(gpu)
    content = gzip.compress(b"".join(map(line, range(2000))))
    (folder / "run-000001.jsonl.gz").write_bytes(content[: len(content) // 2])
    found = bring_one(root, gpu)
    assert (found.files, found.again, found.trouble) == (1, 0, "")
    assert 0 < found.games < 2000
    assert bring_one(root, gpu).files == 0
    (folder / "run-000001.jsonl.gz").write_bytes(content)  # whoever compressed it was not ready
    assert bring_one(root, gpu).games == 2000 - found.games
    assert games_in(root) == all_of(*range(2000))


def test_many_files_come_in_parts_and_what_was_verified_before_a_cut_is_here(
    gpu: Server, root: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringrift.fleet.remote.BATCH_BYTES", 300_000)
    for number in range(10):
        play(worker(gpu, str(number)), *range(10 * number, 10 * number + 10), size=20_000, close=True)
    wire = Wire(gpu.port)
    gpu.via = wire.port
    try:
        wire.cut_after(800_000)
        cut = bring_one(root, gpu, stall_seconds=1)
        assert cut.trouble
        assert 0 < cut.games < 100
        assert games_in(root).total() == cut.games
        wire.mend()
        assert bring_one(root, gpu).games == 100 - cut.games
    finally:
        gpu.via = None
        wire.close()
    assert games_in(root) == all_of(*range(100), size=20_000)


def test_names_of_files_are_taken_as_they_are(gpu: Server, root: Path, way: str) -> None:
    folder = worker(gpu, NASTY.removesuffix(".jsonl"))
    (folder / NASTY).write_bytes(line(0))
    (folder / f"-rf {NASTY}.gz").write_bytes(gzip.compress(line(1)))
    (folder / ".hidden.jsonl").write_bytes(line(2))
    (folder / "two\nlines.jsonl").write_bytes(line(3))
    (folder / os.fsdecode(b"\xff.jsonl")).write_bytes(line(4))
    (folder / "form\x0cfeed\u2028.jsonl").write_bytes(line(5))
    assert bring_one(root, gpu).games == 2
    assert games_in(root) == all_of(0, 1)
    assert (root / "square8_2p" / "gpu-1" / NASTY.removesuffix(".jsonl") / NASTY).exists()
    assert not [path for place in (gpu.home, root) for path in place.rglob("broken")]


def test_a_greeting_of_the_login_shell_does_no_harm(tmp_path: Path, root: Path) -> None:
    with server(tmp_path / "host", "gpu-1", force='echo "Welcome!"; sh -c "$SSH_ORIGINAL_COMMAND"') as host:
        play(worker(host), *range(100), size=20_000, close=True)
        play(worker(host), *range(100, 103))
        found = bring_one(root, host)
        assert (found.games, found.way, found.trouble) == (103, "rsync", "")


def test_two_machines_that_believe_to_have_one_name_are_kept_apart(
    servers: list[Server], gpu: Server, root: Path
) -> None:
    for number, host in enumerate(servers[:2]):
        folder = host.games / "square8_2p" / "localhost" / "0"
        folder.mkdir(parents=True)
        play(folder, number)
    assert bring(root, *servers[:2]).games == 2
    assert [Path(name).parts[1] for name in names(root)] == ["gpu-1", "gpu-2"]
    assert games_in(root) == all_of(0, 1)


@pytest.mark.parametrize(
    "path",
    [
        *("../../.ssh/x.jsonl", "/etc/x.jsonl", "x.jsonl", "square8_2p/../../x.jsonl", ".a/b.jsonl"),
        *("square8_2p/a\nb.jsonl", "square8_2p/\udcff.jsonl"),
    ],
)
def test_a_path_that_leads_elsewhere_is_not_followed(path: str, tmp_path: Path) -> None:
    assert target_of(tmp_path, "gpu-1", path) is None


def test_a_full_disk_here_is_not_the_fault_of_the_host(
    gpu: Server, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(worker(gpu), *range(10))
    rsync = tmp_path / "bin" / "rsync"  # on a full disk the real one says and does this
    rsync.parent.mkdir()
    rsync.write_text(
        "#!/bin/sh\necho 'rsync: [receiver] write failed on \"x\": No space left on device (28)' >&2\nexit 11\n"
    )
    rsync.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{rsync.parent}:{os.environ['PATH']}")
        found = bring_one(root, gpu)
    assert "cannot be written (No space left on device (28))" in found.trouble
    assert found.reaction == "fail at once"
    assert bring_one(root, gpu).games == 10


def test_a_host_in_trouble_harms_no_other(servers: list[Server], gpu: Server, root: Path) -> None:
    for number, host in enumerate(servers):
        play(worker(host), number)
    servers[1].stop()
    try:
        report = bring(root, *servers)
    finally:
        servers[1].start()
    assert games_in(root) == all_of(0, 2)
    (failed,) = report.failed
    assert (failed.host, failed.reaction) == ("gpu-2", "retry later")
    assert "refuses connections" in str(report)
    assert report.to_json()["failed"] == 1
    assert bring(root, *servers).games == 1


def test_a_host_without_sftp_and_without_rsync_here_says_so(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_module, "have_rsync", lambda: False)
    with server(tmp_path / "bare", "bare", sftp=False) as host:
        play(worker(host), 0)
        found = bring_one(root, host)
        assert found.trouble.startswith("bare: ")
        assert "\n" not in found.trouble
        assert found.reaction != "fail at once"


def test_a_limit_of_the_network_changes_nothing_else(gpu: Server, root: Path, way: str) -> None:
    play(worker(gpu), *range(20), close=True)
    assert bring_one(root, gpu, megabytes_per_second=50.0).games == 20


def test_a_stream_brings_new_games_over_one_connection(
    gpu: Server, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    rounds: list[SyncReport] = []
    made: list[SshShell] = []
    init = SshShell.__init__
    monkeypatch.setattr(SshShell, "__init__", lambda shell, *words: (made.append(shell), init(shell, *words))[1])

    def tell(report: SyncReport) -> None:
        rounds.append(report)
        play(worker(gpu), len(rounds))
        if len(rounds) == 5:
            stop.set()

    stream_games(
        {"gpu-1": gpu.host()}, RunContext(settings_for_tests(stream_seconds=0.05), cancellation=stop), tell, root=root
    )
    assert games_in(root) == all_of(1, 2, 3, 4)
    assert [shell.connections for shell in made] == [1]


def test_a_stream_ends_after_the_round_in_which_the_fleet_has_got_other_hosts(gpu: Server, root: Path) -> None:
    play(worker(gpu), 1)
    rounds: list[SyncReport] = []
    context = RunContext(settings_for_tests(stream_seconds=0.05))
    stream_games({"gpu-1": gpu.host()}, context, rounds.append, root=root, over=lambda: len(rounds) == 2)
    assert [report.games for report in rounds] == [1, 0]


def test_a_stream_ends_at_once_when_it_is_told(gpu: Server, root: Path) -> None:
    play(worker(gpu), *range(300), size=20_000, close=True)
    stop = threading.Event()
    settings = settings_for_tests(megabytes_per_second=0.1)
    words = ({"gpu-1": gpu.host()}, RunContext(settings, cancellation=stop), lambda _: None)
    thread = threading.Thread(target=stream_games, args=words, kwargs={"root": root})
    thread.start()
    wait_for(lambda: bool(staged(root)))
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert bring_one(root, gpu).games == 300


STEPS = st.one_of(
    st.tuples(st.sampled_from(["play", "play and close", "tear", "sync", "sync"]), st.integers(0, 1)),
    st.tuples(st.sampled_from(["lose", "cut"]), st.integers(0, 1)),
)


@given(steps=st.lists(STEPS, max_size=12), by_rsync=st.booleans())
@settings(derandomize=True, max_examples=15)
def test_no_game_is_lost_or_doubled_whatever_happens(
    servers: list[Server], tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]], by_rsync: bool
) -> None:
    host = servers[2]
    subprocess.run(["rm", "-rf", host.games], check=True)
    root = tmp_path_factory.mktemp("mirror")
    brought: Counter[bytes] = Counter()
    games = iter(range(1000))
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr(sync_module, "have_rsync", lambda: by_rsync)
        shell = SshShell(host.name, host.host(), connection_settings())
        mirror = Sync({host.name: shell}, root, settings_for_tests().sync)
        for step, number in [*steps, ("sync", 0), ("sync", 0)]:
            folder = worker(host, str(number))
            if step == "play":
                play(folder, next(games), next(games))
            elif step == "play and close":
                play(folder, next(games), close=True)
            elif step == "tear":
                play(folder, next(games))
                with sorted(folder.glob("*.jsonl"))[-1].open("ab") as file:
                    file.write(b"torn")
            elif step == "lose":
                subprocess.run(["rm", "-rf", folder], check=True)
            elif step == "cut":
                runner.run(shell.close())
            else:
                report = runner.run(mirror.round())
                assert not report.failed, str(report)
                brought |= games_in(host.games)
                assert games_in(root) == brought
                assert report.hosts[0].again == 0
        runner.run(shell.close())


def wait_for(done: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 30
    while not done():
        assert time.monotonic() < give_up
        time.sleep(0.05)
