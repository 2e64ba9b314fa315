"""A real MinIO server on this machine's loopback, with a folder of its own. `make minio` builds it once."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import urllib3
from minio import Minio
from minio.error import MinioException

from archive.s3_store import S3Address
from infra.supervise import die_with_parent
from tests.serving import ROOT, free_ports

BINARY = ROOT / "build" / "bin" / "minio"
ACCESS_KEY = "webclass-tests"
_START_S = 30.0


@dataclass
class MinioServer:
    """Started anew, it has the same address, keys and objects."""

    folder: Path
    port: int = field(default_factory=lambda: free_ports(1)[0])
    secret_key: str = field(default_factory=lambda: secrets.token_hex(16))
    process: subprocess.Popen[bytes] | None = None

    def address(self, bucket: str = "webclass", **changes: str) -> S3Address:
        """A server on loopback that is silent for two seconds is wedged."""
        keys = {"access_key": ACCESS_KEY, "secret_key": self.secret_key} | changes
        return S3Address(f"http://127.0.0.1:{self.port}", bucket, timeout_s=2.0, **keys)

    def start(self) -> None:
        assert BINARY.exists(), "there is no MinIO server: run `make minio`"
        environment = os.environ | {
            "MINIO_ROOT_USER": ACCESS_KEY,
            "MINIO_ROOT_PASSWORD": self.secret_key,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
            "HOME": str(self.folder),
        }
        with (self.folder / "minio.log").open("ab") as log:
            self.process = subprocess.Popen(
                (BINARY, "server", self.folder / "disk", "--address", f"127.0.0.1:{self.port}", "--quiet"),
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - one prctl call
            )
        self._wait_ready()

    def _wait_ready(self) -> None:
        """Until it really answers: its own health check says yes before it does."""
        deadline = time.monotonic() + _START_S
        http = urllib3.PoolManager(retries=False, timeout=2.0)
        client = Minio(f"127.0.0.1:{self.port}", ACCESS_KEY, self.secret_key, secure=False, http_client=http)
        while True:
            try:
                client.list_buckets()
            except (MinioException, urllib3.exceptions.HTTPError) as error:
                if time.monotonic() > deadline:
                    raise AssertionError(f"MinIO did not start: {error}") from error
                time.sleep(0.05)
            else:
                return

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(number)
        self.process.wait(10)
        self.process = None
