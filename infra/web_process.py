"""The web process: opens the database, connects to the media processes, listens, and stops gracefully."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from archive.catalog import Catalog
from archive.deletion import Deletion
from archive.shelves import Shelves
from archive.store import ObjectStore
from infra.addresses import configured_hosts, machine_hosts, network_url, own_networks
from infra.certificates import CertificateFiles, ensure_certificates, tls_context
from infra.database import open_database, sessions_of
from infra.errors import InfraError, PortTaken
from infra.keys import load_keys
from infra.object_store import open_store
from infra.preparation import prepare
from infra.settings import Settings, Tls
from infra.supervise import wait_for_stop_signal
from infra.web_app import build_app
from school.accounts import Accounts
from school.feed import FeedSpans
from school.invitations import Invitations
from school.lessons import Lessons
from school.link_capacity import LinkCapacities
from school.link_tests import LinkTests
from signaling.link_keys import LinkKeys
from signaling.media_bus import MediaBus
from signaling.services import Services
from signaling.tally import Tally

SHUTDOWN_S = 5.0
RENEWAL_LOOK_S = 3600.0

_log = structlog.get_logger(__name__)


async def run_web_process(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT. Raises `InfraError` when it cannot start."""
    stop = asyncio.ensure_future(wait_for_stop_signal())
    await prepare(settings)
    tls = _Tls.of(settings)
    engine, store = open_database(settings), open_store(settings)
    try:
        app = build_app(settings, _services(settings, engine, store), engine, tls.authority)
        async with _listening(settings, app, tls):
            _log.info(
                "listening", http_port=settings.http_port, https_port=settings.https_port if tls.context else None
            )
            await stop
            _log.info("stopping")
    finally:
        await store.close()
        await engine.dispose()


@dataclass(frozen=True, slots=True)
class _Tls:
    """How this process speaks HTTPS; without a context it does not (a proxy before it does)."""

    context: ssl.SSLContext | None
    authority: Path | None

    @classmethod
    def of(cls, settings: Settings) -> _Tls:
        if settings.tls is Tls.PROXY:
            return cls(None, None)
        if settings.tls is Tls.FILES:
            assert settings.tls_certificate is not None
            assert settings.tls_key is not None
            return cls(tls_context(settings.tls_certificate, settings.tls_key), None)
        files = _local_certificates(settings)
        return cls(tls_context(files.certificate, files.key), files.authority)


def _local_certificates(settings: Settings) -> CertificateFiles:
    hosts, configured = machine_hosts(), configured_hosts(settings)
    return ensure_certificates(settings.secrets_dir, hosts, configured, datetime.now(UTC))


async def _keep_certificates(settings: Settings, context: ssl.SSLContext) -> None:
    """Hourly: renew what is near its end or does not fit this machine's addresses; new connections get the new one.

    Certificates that are configured as files are read again, since somebody else renews them.
    """
    while True:
        await asyncio.sleep(RENEWAL_LOOK_S)
        try:
            if settings.tls is Tls.LOCAL:
                files = await asyncio.to_thread(_local_certificates, settings)
                context.load_cert_chain(files.certificate, files.key)
            elif settings.tls_certificate is not None:
                context.load_cert_chain(settings.tls_certificate, settings.tls_key)
        except (InfraError, OSError):
            _log.exception("the certificate could not be renewed; the present one stays")


def _services(settings: Settings, engine: AsyncEngine, store: ObjectStore) -> Services:
    sessions = sessions_of(engine)
    keys = load_keys(settings)
    tally = Tally()
    return Services(
        lessons=Lessons(sessions),
        invitations=Invitations(sessions, keys.invitations),
        accounts=Accounts(sessions),
        feed=FeedSpans(sessions),
        capacities=LinkCapacities(sessions),
        link_tests=LinkTests(sessions),
        media=MediaBus([settings.bus_path(index) for index in range(settings.media_count)], tally),
        secret=keys.classroom,
        link_keys=LinkKeys(keys.classroom, own_networks()),
        catalog=Catalog(sessions),
        shelves=Shelves(sessions),
        store=store,
        deletion=Deletion(sessions),
        public_url=settings.public_url,
        network_url=network_url(settings),
        max_participants=settings.max_participants,
        tally=tally,
    )


@asynccontextmanager
async def _listening(settings: Settings, app: web.Application, tls: _Tls) -> AsyncIterator[None]:
    """Plain http, and https where there is a context. On leaving: no new connections, then the clients are told."""
    # No access log: requests are counted as metrics, and the paths of pupils' visits are nobody's business.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    renewal: asyncio.Task[None] | None = None
    try:
        await _listen(runner, settings.host, settings.http_port, None)
        if tls.context is not None:
            await _listen(runner, settings.host, settings.https_port, tls.context)
            renewal = asyncio.create_task(_keep_certificates(settings, tls.context))
        yield
    finally:
        if renewal is not None:
            renewal.cancel()
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int, context: ssl.SSLContext | None) -> None:
    try:
        await web.TCPSite(runner, host or None, port, ssl_context=context).start()
    except OSError as error:
        raise PortTaken(f"cannot listen on port {port}: {error.strerror}") from error
