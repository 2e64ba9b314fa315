"""What the recorder's process does beside recording: it deletes what need not be kept any longer."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import structlog

from archive.deletion import Deletion
from archive.errors import ArchiveError
from archive.store import ObjectStore
from infra.settings import Settings

SWEEP_EVERY_S: Final = 60.0

log = structlog.get_logger("upkeep")


async def keep_tidy(settings: Settings, deletion: Deletion, store: ObjectStore) -> None:
    """Sweeps until it is cancelled; without a pause while there is more to do."""
    while True:
        try:
            swept = await deletion.sweep(store, time.time(), settings.retention_s)
        except ArchiveError as error:
            log.warning("nothing could be deleted; it is tried again", error=str(error))
        else:
            if swept.recordings or swept.objects:
                log.info("deleted", recordings=swept.recordings, objects=swept.objects)
                continue
        await asyncio.sleep(SWEEP_EVERY_S)
