"""The demonstration's people, in a process of their own so that their encoding never disturbs the server.

`python -m infra.demo.people` reads one JSON object, a `Cast`, from standard input: tokens do not belong into a command
line, which everybody on the machine can read. It teaches and attends until SIGTERM or SIGINT.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp
import structlog
from aiortc.exceptions import InvalidStateError

from infra.demo.cast import Cast
from infra.demo.classes import SyntheticClass
from infra.demo.errors import DemoError
from infra.demo.sound import teachers_voice, tones
from infra.demo.teacher import teach
from infra.supervise import wait_for_stop_signal

log = structlog.get_logger()

_AGAIN_S: Final = 1.0
_CLASSES: Final = (("Хандыга СОШ, 10 А", False), ("Тикси СОШ № 1, 10 Б", True), ("Орлик СОШ, 10 А", False))
"""Names, and whether they raise their hand."""


async def play(cast: Cast) -> None:
    """Teach and attend until cancelled; whoever loses the connection comes back."""
    voice, murmur = await teachers_voice(), tones()
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as people:
        people.create_task(_persist(lambda: teach(http, cast.url, cast.lesson_id, cast.tokens["teacher"], voice)))
        for name, raises_hand in _CLASSES:
            attender = SyntheticClass(cast.url, cast.tokens["class"], name, raises_hand, murmur)
            people.create_task(_persist(attender.attend, http))


async def _persist(live: Callable[..., Awaitable[None]], *arguments: object) -> None:
    while True:
        try:
            await live(*arguments)
        except (aiohttp.ClientError, DemoError, InvalidStateError, OSError, TimeoutError) as error:
            log.warning("demo_again", reason=str(error) or type(error).__name__, in_s=_AGAIN_S)
        await asyncio.sleep(_AGAIN_S)


async def _main() -> None:
    cast = Cast.model_validate_json(sys.stdin.readline())
    playing = asyncio.create_task(play(cast))
    stopped = asyncio.create_task(wait_for_stop_signal())
    await asyncio.wait({playing, stopped}, return_when=asyncio.FIRST_COMPLETED)
    playing.cancel()
    await asyncio.wait({playing})


if __name__ == "__main__":
    asyncio.run(_main())
