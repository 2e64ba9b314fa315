"""The object store on an S3 server, through the `minio` client in a bounded pool of threads.

An object's SHA-256 is kept as its metadata (`x-amz-meta-sha256`). On its way every part is checked by the server: by
the signature's SHA-256 over http, by MD5 over https. Nothing is tried again here: whoever asks knows how long to wait.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

import certifi
import urllib3
from minio import Minio
from minio.commonconfig import ENABLED, GOVERNANCE
from minio.datatypes import Object
from minio.error import MinioException, S3Error, ServerError
from minio.helpers import DictType
from minio.objectlockconfig import DAYS, ObjectLockConfig
from minio.versioningconfig import VersioningConfig
from urllib3.exceptions import HTTPError, NewConnectionError, TimeoutError
from urllib3.response import BaseHTTPResponse

from archive.digest import file_sha256
from archive.errors import ObjectDiffers, ObjectMissing, StoreError
from archive.store import CHUNK_BYTES, ObjectInfo, check_key, check_prefix

THREADS: Final = 8
PAGE: Final = 1000
PART_BYTES: Final = 16 * 1024 * 1024
_SHA256: Final = "x-amz-meta-sha256"
_MISSING: Final = frozenset({"NoSuchKey", "NoSuchObject"})
_SENTENCES: Final = {
    "InvalidAccessKeyId": "the object store does not know the access key",
    "SignatureDoesNotMatch": "the object store says that the secret key is wrong",
    "AccessDenied": "the object store does not allow this with these keys",
    "NoSuchBucket": "the object store has no such bucket: run `webclass store init`",
}
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class S3Address:
    """`endpoint`: `http://host:port` or `https://host`. `timeout_s`: how long the server may be silent."""

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    timeout_s: float = 10.0


class S3Store:
    def __init__(self, address: S3Address) -> None:
        self._bucket = address.bucket
        self._threads = ThreadPoolExecutor(THREADS, "store")
        endpoint = urlsplit(address.endpoint)
        self._http = urllib3.PoolManager(
            maxsize=THREADS,
            timeout=urllib3.Timeout(connect=min(5.0, address.timeout_s), read=address.timeout_s),
            retries=False,
            cert_reqs="CERT_REQUIRED",
            ca_certs=certifi.where(),
        )
        self._client = Minio(
            endpoint.netloc,
            address.access_key,
            address.secret_key,
            secure=endpoint.scheme == "https",
            region=address.region,
            http_client=self._http,
        )

    async def set_up(self, lock_days: int = 0) -> None:
        """Make the bucket with versioning; with `lock_days`, what is put can be neither replaced nor really removed for
        that long (object lock in governance mode, which only a new bucket can get). Idempotent. Raises `StoreError`."""

        def make() -> None:
            if not self._client.bucket_exists(self._bucket):
                self._client.make_bucket(self._bucket, object_lock=lock_days > 0)
            self._client.set_bucket_versioning(self._bucket, VersioningConfig(ENABLED))
            if lock_days > 0:
                self._client.set_object_lock_config(self._bucket, ObjectLockConfig(GOVERNANCE, lock_days, DAYS))

        await self._run(make)

    async def put(self, key: str, data: bytes) -> ObjectInfo:
        check_key(key)

        def put() -> ObjectInfo:
            wanted = ObjectInfo(key, len(data), hashlib.sha256(data).hexdigest())
            if not self._is_there(wanted):
                metadata: DictType = {_SHA256: wanted.sha256}
                self._client.put_object(self._bucket, key, io.BytesIO(data), len(data), metadata=metadata)
            return wanted

        return await self._run(put)

    async def put_file(self, key: str, path: Path) -> ObjectInfo:
        check_key(key)

        def put() -> ObjectInfo:
            wanted = ObjectInfo(key, path.stat().st_size, file_sha256(path))
            if not self._is_there(wanted):
                # One part at a time: this thread is one of a bounded number, and its memory is one part.
                metadata: DictType = {_SHA256: wanted.sha256}
                self._client.fput_object(
                    self._bucket, key, str(path), metadata=metadata, part_size=PART_BYTES, num_parallel_uploads=1
                )
            return wanted

        return await self._run(put)

    async def info(self, key: str) -> ObjectInfo:
        check_key(key)
        return await self._run(lambda: self._info(key))

    async def read(self, key: str, start: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        check_key(key)
        if length == 0:
            await self.info(key)
            return
        begun = await self._run(lambda: self._open(key, start, length))
        if begun is None:
            return
        try:
            while chunk := await self._run(lambda: begun.read(CHUNK_BYTES)):
                yield chunk
        finally:
            # Given back to the pool when read to its end; else the connection is closed with it.
            begun.close() if begun.length_remaining else begun.release_conn()

    async def delete(self, key: str) -> None:
        check_key(key)
        await self._run(lambda: self._client.remove_object(self._bucket, key))

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        check_prefix(prefix)
        found = iter(self._client.list_objects(self._bucket, prefix, recursive=True))
        while page := await self._run(lambda: tuple(islice(found, PAGE))):
            for each in page:
                stored_at = each.last_modified.timestamp() if each.last_modified else 0.0
                yield ObjectInfo(str(each.object_name), each.size or 0, "", stored_at)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._http.clear()

    # ------------------------------------------------------------ in the threads

    async def _run(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except S3Error as error:
            if error.code in _MISSING:
                raise ObjectMissing("there is no such object") from error
            raise StoreError(_SENTENCES.get(error.code or "", f"the object store refused: {error.code}")) from error
        except NewConnectionError as error:  # which urllib3 calls a timeout
            raise StoreError("the object store cannot be reached") from error
        except TimeoutError as error:
            raise StoreError("the object store did not answer in time") from error
        except ServerError as error:
            raise StoreError(f"the object store failed with HTTP status {error.status_code}") from error
        except (MinioException, HTTPError, OSError) as error:
            raise StoreError(f"the object store cannot be reached: {type(error).__name__}") from error

    def _info(self, key: str) -> ObjectInfo:
        found: Object = self._client.stat_object(self._bucket, key)
        sha256 = (found.metadata or {}).get(_SHA256, "")
        return ObjectInfo(key, found.size or 0, str(sha256))

    def _is_there(self, wanted: ObjectInfo) -> bool:
        try:
            present = self._info(wanted.key)
        except S3Error as error:
            if error.code in _MISSING:
                return False
            raise
        if present != wanted:
            raise ObjectDiffers(f"the object {wanted.key} exists already with other content")
        return True

    def _open(self, key: str, start: int, length: int | None) -> BaseHTTPResponse | None:
        """None where the object ends before `start`."""
        try:
            return self._client.get_object(self._bucket, key, start, length or 0)
        except S3Error as error:
            if error.code == "InvalidRange":
                return None
            raise
