"""The data directory: everything that lasts, in one place to back up."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.errors import BadDataDirectory
from infra.settings import Settings


def make_data_directory(settings: Settings) -> None:
    """Make the folders, private to the server's user. Raises `BadDataDirectory`."""
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        for private in (settings.secrets_dir, settings.run_dir):
            private.mkdir(mode=0o700, exist_ok=True)
            # In a temporary directory that everybody may write to, the name could be somebody else's.
            if private.is_symlink() or private.stat().st_uid != os.getuid():
                raise BadDataDirectory(f"{private} belongs to somebody else; remove it or choose WEBCLASS_DATA_DIR")
            private.chmod(0o700)
    except OSError as error:
        raise BadDataDirectory(f"cannot use the data directory {settings.data_dir}: {error.strerror}") from error


def write_private(path: Path, content: bytes) -> None:
    """Replace the file at once or not at all, readable by its owner only, and on the disk when this returns."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


@contextmanager
def lock(settings: Settings, name: str) -> Iterator[None]:
    """Only one process of this data directory is inside at a time."""
    with (settings.run_dir / f"{name}.lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
