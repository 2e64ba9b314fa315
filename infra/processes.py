"""The processes that `webclass serve` starts, and how each of them runs on its own."""

from __future__ import annotations

import os
import sys

from infra.settings import Settings
from infra.supervise import ChildSpec

WEB_STOPS, MEDIA_STOPS, RECORDER_STOPS = 0, 1, 2


def children(settings: Settings) -> list[ChildSpec]:
    """Web, media for each core, recorder. The web process stops first: it tells the clients; the recorder last: it
    takes what the media processes still give."""

    def spec(name: str, order: int, *arguments: str) -> ChildSpec:
        command = (sys.executable, "-m", "infra.cli", *arguments, "--parent", str(os.getpid()))
        return ChildSpec(name, command, order)

    media = [
        spec(f"media-{index}", MEDIA_STOPS, "media", "--index", str(index)) for index in range(settings.media_count)
    ]
    return [*media, spec("web", WEB_STOPS, "web"), spec("recorder", RECORDER_STOPS, "recorder")]


async def run_media_process(settings: Settings, index: int) -> None:
    """Media process `index`: its own UDP and TCP port, its own socket for the web process. Ends on SIGTERM."""
    from streaming.net.addresses import announced, local_addresses
    from streaming.worker import MediaConfig, run_media

    await run_media(
        MediaConfig(
            index=index,
            udp_host=settings.media_host,
            udp_port=settings.media_port + index,
            announced=tuple(announced(local_addresses(), settings.media_announced)),
            bus_path=settings.bus_path(index),
            tap_path=settings.tap_path(index),
            keyframe_interval_s=settings.recording_segment_s,
        )
    )
