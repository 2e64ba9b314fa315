"""An S3 server that stops, hangs, is killed or refuses: a clear error within the timeout, and nothing half done."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from archive.errors import ObjectMissing, StoreError
from archive.s3_store import S3Store
from tests.archive.minio_server import MinioServer

MIB = 1024 * 1024


@pytest.fixture
def frail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinioServer]:
    """A server of the test's own."""
    server = MinioServer(tmp_path_factory.mktemp("frail"))
    server.start()
    yield server
    server.stop(signal.SIGKILL)


@pytest.fixture
async def store(frail: MinioServer) -> AsyncIterator[S3Store]:
    made = S3Store(frail.address())
    await made.set_up()
    yield made
    await made.close()


async def test_stopped_and_back(frail: MinioServer, store: S3Store) -> None:
    await store.put("before", b"x")
    frail.stop()
    begun = time.monotonic()
    with pytest.raises(StoreError, match="cannot be reached"):
        await store.put("during", b"y")
    assert time.monotonic() - begun < 3
    frail.start()
    await store.put("during", b"y")
    assert [info.key async for info in store.list("")] == ["before", "during"]


async def test_wedged(frail: MinioServer, store: S3Store) -> None:
    await store.put("before", b"x")
    frail.send(signal.SIGSTOP)
    begun = time.monotonic()
    with pytest.raises(StoreError, match="did not answer in time"):
        await store.put("during", b"y")
    assert time.monotonic() - begun < 6
    frail.send(signal.SIGCONT)
    await store.put("during", b"y")


async def test_wedged_while_reading(frail: MinioServer, store: S3Store) -> None:
    await store.put("large", bytes(32 * MIB))
    reading = store.read("large")
    await anext(reading)
    frail.send(signal.SIGSTOP)
    with pytest.raises(StoreError, match="did not answer in time"):
        async for _ in reading:
            pass


async def test_killed_in_the_middle_of_a_put(frail: MinioServer, store: S3Store) -> None:
    data = bytes(range(256)) * (256 * 1024)
    putting = asyncio.ensure_future(store.put("large", data))
    await asyncio.sleep(0)  # the request is on its way in its thread, or just about to be
    frail.stop(signal.SIGKILL)
    with pytest.raises(StoreError, match="cannot be reached"):
        await putting
    frail.start()
    with pytest.raises(ObjectMissing):
        await store.info("large")
    info = await store.put("large", data)
    assert info.size == len(data)


async def test_wrong_keys_and_bucket(frail: MinioServer, store: S3Store) -> None:
    for changes, words in (
        ({"secret_key": "wrong-secret"}, "secret key is wrong"),
        ({"access_key": "somebody"}, "does not know the access key"),
    ):
        stranger = S3Store(frail.address(**changes))
        with pytest.raises(StoreError, match="not allow this with these keys"):
            await stranger.put("a", b"x")
        with pytest.raises(StoreError, match=words):
            _ = [info async for info in stranger.list("")]
        await stranger.close()
    elsewhere = S3Store(frail.address(bucket="another"))
    with pytest.raises(StoreError, match="webclass store init"):
        await elsewhere.put("a", b"x")
    await elsewhere.close()


async def test_set_up_again_and_with_a_lock(frail: MinioServer, store: S3Store) -> None:
    await store.set_up()
    locked = S3Store(frail.address(bucket="evidence"))
    await locked.set_up(lock_days=1)
    await locked.set_up(lock_days=1)
    await locked.put("a", b"x")
    with pytest.raises(StoreError):
        await store.set_up(lock_days=1)  # this bucket was made without
    await locked.close()


def test_the_secret_is_not_shown(frail: MinioServer) -> None:
    assert frail.secret_key not in repr(frail.address())
