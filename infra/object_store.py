"""The object store that the settings name. The S3 client takes long to import: who needs none does without."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from archive.directory_store import DirectoryStore
from archive.store import ObjectStore
from infra.settings import Settings, StoreKind

if TYPE_CHECKING:
    from archive.s3_store import S3Store

_PROOF = "proof/written-and-read"


def open_store(settings: Settings) -> ObjectStore:
    """Nothing is read or written yet; close it in the end."""
    return _s3_store(settings) if settings.store is StoreKind.S3 else DirectoryStore(settings.store_dir)


async def set_up_store(settings: Settings, lock_days: int = 0) -> str:
    """Make what the store needs and prove that it can be written and read; returns where it is. Idempotent.

    Raises `ArchiveError`.
    """
    store: DirectoryStore | S3Store
    if settings.store is StoreKind.S3:
        store, place = _s3_store(settings), f"{settings.s3_endpoint}/{settings.s3_bucket}"
    else:
        store, place = DirectoryStore(settings.store_dir), str(settings.store_dir)
    try:
        if isinstance(store, DirectoryStore):
            store.set_up(time.time())
        else:
            await store.set_up(lock_days)
        await store.put(_PROOF, b"webclass")
        async for _ in store.read(_PROOF):
            pass
    finally:
        await store.close()
    return place


def _s3_store(settings: Settings) -> S3Store:
    from archive.s3_store import S3Address, S3Store

    assert settings.s3_secret_key is not None, "the settings' own check"
    return S3Store(
        S3Address(
            settings.s3_endpoint,
            settings.s3_bucket,
            settings.s3_access_key,
            settings.s3_secret_key.get_secret_value(),
            settings.s3_region,
        )
    )
