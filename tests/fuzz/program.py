"""`ringrift`, loaded once in a process of its own, which forks for every command line: fast, and nothing leaks.

What a command line sets in motion is bounded: after some seconds of processor time the child is gone, which says that
the command line was accepted. It has little memory, its own folder, and no input.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

PROCESSOR_SECONDS = 2
MEMORY_BYTES = 16 << 30
PATIENCE = 60.0

SERVER = """
import json, os, resource, signal, sys, time
os.environ["OMP_NUM_THREADS"] = "1"
import ringrift.cli, ringrift.training, ringrift.models, ringrift.datasets, ringrift.pipeline.status
seconds, memory, patience = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])

def child(words, folder):
    os.setsid()
    os.chdir(folder)
    os.environ["RINGRIFT_HOME"] = folder
    os.environ["HOME"] = folder
    os.environ.pop("RINGRIFT_DATABASE", None)
    for number, name in enumerate(("/dev/null", folder + "/.out", folder + "/.err")):
        file = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 28, 1 << 28))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.argv = ["ringrift", *words]
    code = 70
    try:
        ringrift.cli.main()
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 0 if ending.code is None else 70
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush(); sys.stderr.flush()
        finally:
            os._exit(code)

for line in sys.stdin:
    request = json.loads(line)
    pid = os.fork()
    if pid == 0:
        child(request["words"], request["folder"])
    end = time.monotonic() + patience
    done = 0
    while not done and time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        time.sleep(0.005)
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    if not done:
        _, status = os.waitpid(pid, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


class Ending(NamedTuple):
    """What became of a command line."""

    code: int
    """Below 0 for one that was still at work, and was ended."""
    out: str
    err: str


class Program:
    """The loaded program; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        prepare(folder)

    def __enter__(self) -> Self:
        words = [sys.executable, "-c", SERVER, str(PROCESSOR_SECONDS), str(MEMORY_BYTES), str(PATIENCE)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=PATIENCE)
        self._process.stdout.close()

    def run(self, words: Sequence[str]) -> Ending:
        """Run a command line in the folder."""
        assert self._process.stdin and self._process.stdout
        print(json.dumps({"words": list(words), "folder": str(self.folder)}), file=self._process.stdin, flush=True)
        code = int(self._process.stdout.readline())
        out, err = ((self.folder / name).read_bytes().decode("utf-8", "replace") for name in (".out", ".err"))
        return Ending(code, out, err)


def prepare(folder: Path) -> None:
    """Files that are damaged, each in another way."""
    for name in ("empty.jsonl", "empty.jsonl.gz", "empty.pth", "empty.json"):
        (folder / name).touch()
    for name in ("noise.jsonl", "noise.pth", "noise.db", "noise.json", "\x1b[2J.jsonl"):
        (folder / name).write_bytes(bytes(range(256)) * 8)
    (folder / "deep.jsonl").write_text("[" * 3000 + "]" * 3000 + "\n")
    (folder / "lines.jsonl").write_text(
        '{}\n{"format": 1}\n{"config": [], "moves": 3}\n{"board": "hex8", "players": {}}\n'
    )
    (folder / "folder").mkdir()
    (folder / "folder.pth").mkdir()
    (folder / "folder.json").mkdir()
