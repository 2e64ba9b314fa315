"""Replay against its floor: `python -m bench.replay --json`.

`playlist_ms`: the playlist of one rendition of a three-hour lesson, asked for over HTTP, median. `segment_ratio`: bytes
a second of segments of 1.5 MB, rights asked on each, over those of aiohttp serving such a file plainly, in turns in the
same run. The client is a process of its own and takes twenty segments again and again, as the browsers of a class do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from archive.catalog import Catalog
from archive.deletion import Deletion
from archive.directory_store import DirectoryStore
from archive.media import Init, RenditionKey, Segment
from archive.recordings import Checkpoint, Stored
from archive.recordings_log import SqlRecordingLog
from archive.shelves import Shelves
from infra.data_directory import make_data_directory
from infra.database import migrate, open_database, sessions_of
from infra.settings import Settings
from school.accounts import Accounts
from school.feed import FeedSpans
from school.invitations import Invitations
from school.lessons import Lessons
from school.link_capacity import LinkCapacities
from school.link_tests import LinkTests
from school.tables import InvitationRole, LessonKind
from signaling.app import add_routes
from signaling.link_keys import LinkKeys
from signaling.media_bus import MediaBus
from signaling.services import Services
from signaling.tally import Tally

SEGMENT_BYTES = 1_500_000
HOURS = 3
ROUNDS = 5
REQUESTS = 60
SECRET = b"b" * 32
CLIENT = """
import http.client, sys, time
port, path, token, count = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
connection = http.client.HTTPConnection("127.0.0.1", port)
taken = []
for number in range(count):
    begun = time.perf_counter()
    connection.request("GET", path.replace("NUMBER", str(number % 20)), headers={"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    assert response.status == 200, response.status
    while response.read(1 << 20):
        pass
    taken.append(time.perf_counter() - begun)
print(*taken)
"""


async def fill(sessions: async_sessionmaker[AsyncSession], store: DirectoryStore, lesson_id: str) -> None:
    """A three-hour lesson: 1,800 segments of three renditions and sound; one object stands for all of a size."""
    log = SqlRecordingLog(sessions)
    await log.begin("r", lesson_id, time.time())
    await store.put("one", bytes(SEGMENT_BYTES))
    stored = []
    for slot, encodings in (("teacher_video", 3), ("teacher_audio", 1)):
        for encoding in range(encodings):
            key = RenditionKey(slot, encoding)
            about = await store.info("one")
            folder = f"recordings/r/{slot}/{encoding}"
            height = 0 if slot == "teacher_audio" else 180 << encoding
            init = Init(key, 0, "vp09.00.11.08", height * 16 // 9, height, b"")
            stored.append(Stored(init, replace(about, key=f"{folder}/init-0.mp4")))
            for index in range(HOURS * 600):
                start_s = index * 6.0
                segment = Segment(key, 0, index, start_s, 6.0, time.time() + start_s, SEGMENT_BYTES, b"")
                stored.append(Stored(segment, replace(about, key=f"{folder}/0-{index}.m4s")))
    for index in range(20):
        await store.put(f"recordings/r/teacher_video/2/0-{index}.m4s", bytes(SEGMENT_BYTES))
    await log.add(Checkpoint("r", b""), stored, [])


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[int, str, Path]]:
    """The port, a class's token, the file that is also served plainly at `/plain`."""
    settings = Settings(data_dir=folder)
    make_data_directory(settings)
    await migrate(settings)
    engine, store = open_database(settings), DirectoryStore(settings.store_dir)
    sessions, tally = sessions_of(engine), Tally()
    services = Services(
        lessons=Lessons(sessions),
        invitations=Invitations(sessions, SECRET),
        accounts=Accounts(sessions),
        feed=FeedSpans(sessions),
        capacities=LinkCapacities(sessions),
        media=MediaBus([], tally),
        secret=SECRET,
        link_keys=LinkKeys(SECRET),
        catalog=Catalog(sessions),
        link_tests=LinkTests(sessions),
        shelves=Shelves(sessions),
        deletion=Deletion(sessions),
        store=store,
        tally=tally,
    )
    now = time.time()
    lesson = await services.lessons.create("Физика", LessonKind.FULL, now)
    invitation = await services.invitations.create(
        lesson.id, InvitationRole.CLASS, valid_hours=1, created_by="bench", now=now
    )
    await fill(sessions, store, lesson.id)
    plain = settings.store_dir / "objects" / "one"

    async def serve_plainly(_: web.Request) -> web.FileResponse:
        return web.FileResponse(plain)

    app = web.Application()
    add_routes(app, services)
    app.router.add_get("/plain", serve_plainly)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1], services.invitations.token(invitation), plain
    finally:
        await runner.cleanup()
        await store.close()
        await engine.dispose()


async def ask(port: int, path: str, token: str, count: int) -> list[float]:
    """Seconds of each request, one after the other on one connection."""
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CLIENT, str(port), path, token, str(count), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await client.communicate()
    assert client.returncode == 0
    return [float(each) for each in output.split()]


async def measure() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        async with serving(Path(folder)) as (port, token, _):
            playlist = await ask(port, "/api/recordings/r/teacher_video/2.m3u8", token, 20)
            ratios, rates = [], []
            for _round in range(ROUNDS):
                plain = statistics.median(await ask(port, "/plain", token, REQUESTS))
                ours = statistics.median(
                    await ask(port, "/api/recordings/r/teacher_video/2/NUMBER.m4s", token, REQUESTS)
                )
                ratios.append(plain / ours)
                rates.append(SEGMENT_BYTES / ours / 1e6)
    return {
        "playlist_ms": round(statistics.median(playlist) * 1000, 2),
        "segment_ratio": round(statistics.median(ratios), 3),
        "segment_mb_per_s": round(statistics.median(rates)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = asyncio.run(measure())
    print(json.dumps(found) if options.json else "\n".join(f"{name}: {value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
