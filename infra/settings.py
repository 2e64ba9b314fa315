"""The settings, once for the whole program: environment variables `WEBCLASS_…` or lines of the same names in a file
`webclass.env` in the working directory. infra/webclass.sample.env and docs/operations.md describe each."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ENV_FILE = "webclass.env"
_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_SOCKET_PATH_MAX_BYTES = 107
"""A local socket's path in Linux's sockaddr_un: 108 bytes with the zero at its end (unix(7))."""


class Tls(StrEnum):
    """Where HTTPS ends: here with the local authority's certificate, here with files, or in a proxy before us."""

    LOCAL = "local"
    FILES = "files"
    PROXY = "proxy"


class StoreKind(StrEnum):
    """Where recordings and files lie."""

    DIRECTORY = "directory"
    S3 = "s3"


class LogFormat(StrEnum):
    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _no_trailing_slash(url: str) -> str:
    if url and not url.startswith(("http://", "https://")):
        raise ValueError("begins with https:// (or http://)")
    return url.rstrip("/")


def _are_hosts(hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses, or names in the form that certificates have (RFC 5890: `xn--…` for Cyrillic ones)."""
    return tuple(_as_host(host) for host in hosts)


def _as_host(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        name = host.lower().encode("idna").decode()
    if not _HOST_NAME.fullmatch(name):
        raise ValueError(f"not a name or address of a machine: {host!r}")
    return name


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Hosts = Annotated[CommaSeparated, AfterValidator(_are_hosts)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseSettings):
    """Every field is documented in infra/webclass.sample.env; a test sees to that."""

    model_config = SettingsConfigDict(
        env_prefix="WEBCLASS_", env_file=ENV_FILE, env_ignore_empty=True, frozen=True, extra="ignore"
    )

    data_dir: Path = Path("data")
    database_url: str = ""
    web_dir: Path = Path(__file__).resolve().parent.parent / "web" / "dist"

    host: str = ""
    https_port: Port = 8443
    http_port: Port = 8080
    public_url: Annotated[str, AfterValidator(_no_trailing_slash)] = ""
    host_names: Hosts = ()
    tls: Tls = Tls.LOCAL
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    media_processes: Annotated[int, Field(ge=0, le=256)] = 0
    media_host: str = ""
    media_port: Port = 7700
    media_announced: CommaSeparated = ()
    max_participants: Annotated[int, Field(ge=2, le=5000)] = 1000

    recording_segment_s: Annotated[float, Field(ge=2, le=30)] = 6.0
    spool_free_mb: Annotated[int, Field(ge=0)] = 512
    retention_days: Annotated[int, Field(ge=0, le=36500)] = 0
    store: StoreKind = StoreKind.DIRECTORY
    s3_endpoint: Annotated[str, AfterValidator(_no_trailing_slash)] = ""
    s3_region: Annotated[str, Field(min_length=1)] = "us-east-1"
    s3_bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] = "webclass"
    s3_access_key: str = ""
    s3_secret_key: SecretStr | None = None

    metrics_token: SecretStr | None = None
    log_format: LogFormat = LogFormat.AUTO
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"

    @model_validator(mode="after")
    def _whole(self) -> Settings:
        if self.tls is Tls.FILES and not (self.tls_certificate and self.tls_key):
            raise ValueError("WEBCLASS_TLS=files needs WEBCLASS_TLS_CERTIFICATE and WEBCLASS_TLS_KEY")
        if self.tls is Tls.PROXY and not self.public_url:
            raise ValueError("WEBCLASS_TLS=proxy needs WEBCLASS_PUBLIC_URL, the address that people open")
        if self.store is StoreKind.S3 and not (self.s3_endpoint and self.s3_access_key and self.s3_secret_key):
            raise ValueError(
                "WEBCLASS_STORE=s3 needs WEBCLASS_S3_ENDPOINT, WEBCLASS_S3_ACCESS_KEY and WEBCLASS_S3_SECRET_KEY"
            )
        if self.media_port + self.media_count > 65536:
            raise ValueError("WEBCLASS_MEDIA_PORT is too high for so many media processes")
        return self

    @property
    def media_count(self) -> int:
        """How many media processes run: as set, else one for each core."""
        return self.media_processes or os.cpu_count() or 1

    @property
    def database(self) -> str:
        """SQLAlchemy's URL of the database: as set, else a SQLite file in the data directory."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir.absolute() / 'webclass.db'}"

    @property
    def retention_s(self) -> float | None:
        """How long recordings are kept of which nothing else is said; None: for ever."""
        return self.retention_days * 24 * 3600.0 or None

    @property
    def store_dir(self) -> Path:
        """Recordings and files, where they are kept in a directory."""
        return self.data_dir.absolute() / "store"

    @property
    def secrets_dir(self) -> Path:
        """Keys and certificates; readable by the server's user only."""
        return self.data_dir.absolute() / "secrets"

    @property
    def run_dir(self) -> Path:
        """Sockets and locks of the running server; a short path elsewhere when the data directory's is too long."""
        inside = self.data_dir.absolute() / "run"
        if len(os.fsencode(inside / "media-999.sock")) <= _SOCKET_PATH_MAX_BYTES:
            return inside
        name = hashlib.sha256(os.fsencode(inside)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"webclass-{os.getuid()}-{name}"

    def bus_path(self, index: int) -> Path:
        """Socket of media process `index`."""
        return self.run_dir / f"media-{index}.sock"

    def tap_path(self, index: int) -> Path:
        """Socket of media process `index` for the recorder."""
        return self.run_dir / f"tap-{index}.sock"

    @property
    def recorder_path(self) -> Path:
        """Socket of the recorder for the web process."""
        return self.run_dir / "recorder.sock"

    @property
    def spool_dir(self) -> Path:
        """What was recorded and is not stored yet."""
        return self.data_dir.absolute() / "spool"

    @property
    def local_url(self) -> str:
        """Where a browser on this same computer finds the pages without any certificate."""
        return f"http://localhost:{self.http_port}"
