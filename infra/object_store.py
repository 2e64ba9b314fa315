"""The object store that the settings name."""

from __future__ import annotations

import time

from archive.directory_store import DirectoryStore
from archive.s3_store import S3Address, S3Store
from archive.store import ObjectStore
from infra.settings import Settings, StoreKind

_PROOF = "proof/written-and-read"


def open_store(settings: Settings) -> ObjectStore:
    """Nothing is read or written yet; close it in the end."""
    if settings.store is StoreKind.S3:
        return S3Store(_s3_address(settings))
    return DirectoryStore(settings.store_dir)


async def set_up_store(settings: Settings, lock_days: int = 0) -> str:
    """Make what the store needs and prove that it can be written and read; returns where it is. Idempotent.

    Raises `ArchiveError`.
    """
    store: DirectoryStore | S3Store
    if settings.store is StoreKind.S3:
        store = S3Store(_s3_address(settings))
        await store.set_up(lock_days)
        place = f"{settings.s3_endpoint}/{settings.s3_bucket}"
    else:
        store = DirectoryStore(settings.store_dir)
        store.set_up(time.time())
        place = str(settings.store_dir)
    try:
        await store.put(_PROOF, b"webclass")
        async for _ in store.read(_PROOF):
            pass
    finally:
        await store.close()
    return place


def _s3_address(settings: Settings) -> S3Address:
    assert settings.s3_secret_key is not None, "the settings' own check"
    return S3Address(
        settings.s3_endpoint,
        settings.s3_bucket,
        settings.s3_access_key,
        settings.s3_secret_key.get_secret_value(),
        settings.s3_region,
    )
