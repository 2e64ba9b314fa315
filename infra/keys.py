"""The server's secret: made once, from which a separate key for each purpose is derived."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from infra.data_directory import lock, write_private
from infra.errors import BadDataDirectory
from infra.settings import Settings

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """32 bytes each. `invitations` signs invitation tokens, `classroom` resume secrets and WHIP/WHEP resources."""

    invitations: bytes
    classroom: bytes


def load_keys(settings: Settings) -> Keys:
    """Read the secret, or make it on the first run. Raises `BadDataDirectory` when it is damaged: a new one would
    silently close every link that was handed out."""
    path = settings.secrets_dir / "server.key"
    with lock(settings, "keys"):
        if not path.exists():
            write_private(path, secrets.token_bytes(SECRET_BYTES))
        secret = path.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise BadDataDirectory(f"{path} is damaged; restore it from a backup, or remove it to void every link")
    return Keys(invitations=_derive(secret, b"invitations"), classroom=_derive(secret, b"classroom"))


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, b"webclass " + purpose, hashlib.sha256)
