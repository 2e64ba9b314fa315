"""What every object store does, on a directory and on a real S3 server."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from archive.errors import BadKey, ObjectDiffers, ObjectMissing
from archive.store import CHUNK_BYTES, ObjectStore

MIB = 1024 * 1024
KEY = "recordings/0f3a/teacher_video/1/0-17.m4s"


def body(size: int, seed: int = 1) -> bytes:
    return hashlib.shake_128(seed.to_bytes(4, "big")).digest(size)


async def whole(store: ObjectStore, key: str, start: int = 0, length: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in store.read(key, start, length)])


async def keys(store: ObjectStore, prefix: str) -> list[str]:
    return [info.key async for info in store.list(prefix)]


@pytest.mark.parametrize("size", [0, 1, 5000, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * MIB])
async def test_what_was_put_is_read(store: ObjectStore, size: int) -> None:
    data = body(size)
    info = await store.put(KEY, data)
    assert (info.key, info.size, info.sha256) == (KEY, size, hashlib.sha256(data).hexdigest())
    assert await store.info(KEY) == info
    chunks = [chunk async for chunk in store.read(KEY)]
    assert b"".join(chunks) == data
    assert all(0 < len(chunk) <= CHUNK_BYTES for chunk in chunks)


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, 1), (10, 20), (99_000, 5000), (100_000, None), (100_001, 5), (0, 0), (5, 10**9), (99_999, None)],
)
async def test_ranges(store: ObjectStore, start: int, length: int | None) -> None:
    """What lies beyond the end is nothing, not an error."""
    data = body(100_000)
    await store.put(KEY, data)
    expected = data[start:] if length is None else data[start : start + length]
    assert await whole(store, KEY, start, length) == expected


async def test_reading_may_be_broken_off(store: ObjectStore) -> None:
    await store.put(KEY, body(4 * MIB))
    for _ in range(20):
        reading = store.read(KEY)
        assert await anext(reading)
        await reading.aclose()
    assert await whole(store, KEY) == body(4 * MIB)


async def test_the_same_again_changes_nothing_and_other_content_is_refused(store: ObjectStore) -> None:
    first = await store.put(KEY, b"one")
    assert await store.put(KEY, b"one") == first
    with pytest.raises(ObjectDiffers):
        await store.put(KEY, b"two")
    assert await whole(store, KEY) == b"one"


async def test_a_file_in_parts(store: ObjectStore, tmp_path: Path) -> None:
    path = tmp_path / "lesson.mp4"
    data = body(40 * MIB)
    path.write_bytes(data)
    info = await store.put_file("files/lesson.mp4", path)
    assert (info.size, info.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert await store.info(info.key) == info
    assert await whole(store, info.key) == data
    assert await store.put_file(info.key, path) == info


async def test_what_is_not_there(store: ObjectStore) -> None:
    await store.put(KEY, b"x")
    for absent in ("nothing", f"{KEY}/below", KEY.rpartition("/")[0]):
        with pytest.raises(ObjectMissing):
            await store.info(absent)
        with pytest.raises(ObjectMissing):
            await whole(store, absent)


async def test_deleting_twice(store: ObjectStore) -> None:
    await store.put(KEY, b"x")
    await store.delete(KEY)
    await store.delete(KEY)
    await store.delete("never/was")
    with pytest.raises(ObjectMissing):
        await store.info(KEY)
    assert await keys(store, "") == []
    await store.put(KEY, b"another")
    assert await whole(store, KEY) == b"another"


async def test_listing_by_prefix_in_order(store: ObjectStore) -> None:
    names = ["a/1", "a/10", "a/2", "ab/1", "b/c/d", "b-c"]
    await asyncio.gather(*(store.put(name, name.encode()) for name in names))
    assert await keys(store, "") == sorted(names)
    assert await keys(store, "a/") == ["a/1", "a/10", "a/2"]
    assert await keys(store, "a") == ["a/1", "a/10", "a/2", "ab/1"]
    assert await keys(store, "b/c/d") == ["b/c/d"]
    assert await keys(store, "z/") == []
    assert [info.size async for info in store.list("a/")] == [3, 4, 3]


@pytest.mark.parametrize(
    "key",
    ["", "/a", "a/", "a//b", "../a", "a/../b", ".a", "a/.b", "a b", "A", "ё", "a\x00b", "a\\b", "a" * 201, "a/./b"],
)
async def test_keys_cannot_lead_astray(store: ObjectStore, key: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    with pytest.raises(BadKey):
        await store.put(key, b"x")
    with pytest.raises(BadKey):
        await store.put_file(key, path)
    with pytest.raises(BadKey):
        await whole(store, key)
    with pytest.raises(BadKey):
        await store.info(key)
    with pytest.raises(BadKey):
        await store.delete(key)
    if key not in {"", "a/"}:
        with pytest.raises(BadKey):
            await keys(store, key)


async def test_many_at_once(store: ObjectStore) -> None:
    names = [f"many/{number:03}" for number in range(60)]
    await asyncio.gather(*(store.put(name, body(20_000, number)) for number, name in enumerate(names)))
    found = await asyncio.gather(*(whole(store, name) for name in names))
    assert list(found) == [body(20_000, number) for number in range(60)]
