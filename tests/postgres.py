"""A PostgreSQL server of the tests' own: a temporary directory, a socket in it, no network."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER = "postgres"
START_TIMEOUT_S = 30.0


def programs() -> Path:
    """Where initdb and postgres are; Debian keeps them out of the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    found = str(debian[-1]) if debian else shutil.which("postgres")
    assert found is not None, "the tests need PostgreSQL's server: apt install postgresql"
    return Path(found).parent


def server_user() -> int | None:
    """PostgreSQL refuses to run as root: then it runs as the user that its package has made."""
    return pwd.getpwnam(USER).pw_uid if os.getuid() == 0 else None


@contextmanager
def postgres_server() -> Iterator[Path]:
    """A running server; yields the directory of its socket, which is the `host` of a connection."""
    home = Path(tempfile.mkdtemp(prefix="webclass-pg-"))
    uid, data = server_user(), home / "data"
    if uid is not None:
        os.chown(home, uid, -1)
    made = subprocess.run(
        [programs() / "initdb", "-D", data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
        user=uid,
        cwd=home,
        capture_output=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr.decode()
    settings = ["listen_addresses=", f"unix_socket_directories={home}", "fsync=off", "max_connections=200"]
    options = [part for setting in settings for part in ("-c", setting)]
    log = (home / "log").open("wb")
    server = subprocess.Popen(
        [programs() / "postgres", "-D", data, *options], user=uid, cwd=home, stdout=log, stderr=log
    )
    try:
        _wait_until_it_answers(server, home)
        yield home
    finally:
        server.send_signal(signal.SIGINT)  # at once, whoever is still connected
        server.wait(timeout=START_TIMEOUT_S)
        log.close()
        shutil.rmtree(home, ignore_errors=True)


def _wait_until_it_answers(server: subprocess.Popen[bytes], home: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    ask = [str(programs() / "pg_isready"), "-q", "-h", str(home)]
    while subprocess.run(ask, check=False).returncode != 0:
        assert server.poll() is None, (home / "log").read_text()
        assert time.monotonic() < deadline, "PostgreSQL did not start in time"
        time.sleep(0.05)


def new_database(socket: Path, name: str) -> str:
    """An empty database; returns its URL for SQLAlchemy."""
    subprocess.run([programs() / "createdb", "-h", socket, "-U", USER, name], check=True)
    return f"postgresql+asyncpg://{USER}@/{name}?host={socket}"
