"""The connection to one media process: requests and their answers, events, and coming back after a loss."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from signaling.errors import MediaRefused, MediaUnavailable
from signaling.tally import Tally
from streaming.control import (
    MESSAGE_MAX_BYTES,
    Answer,
    EncodingsWanted,
    Event,
    GetSnapshot,
    LinkReport,
    PeerChanged,
    RecordingChanged,
    Refused,
    Request,
    Snapshot,
    SourceChanged,
    decode_reply,
    encode,
)

_log = structlog.get_logger()

ANSWER_TIMEOUT_S = 5.0
PENDING_MAX = 4096
WRITE_BUFFER_MAX_BYTES = 8 * 1024 * 1024
_TIMEOUTS_IN_A_ROW = 3
_RETRY_FIRST_S, _RETRY_MOST_S = 0.05, 0.5


class MediaLink:
    """One media process as the web process sees it. `on_up` is called with the process's snapshot after each
    (re)connection, `on_down` once per loss, `on_event` for each event, all from the event loop.

    A process that leaves three requests in a row unanswered for `timeout_s` counts as lost.
    """

    def __init__(
        self,
        path: Path,
        tally: Tally,
        *,
        on_up: Callable[[MediaLink, Snapshot], None],
        on_down: Callable[[MediaLink], None],
        on_event: Callable[[MediaLink, Event], None],
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        self.path = path
        self.up = False
        self.draining = False
        self._tally = tally
        self._on_up, self._on_down, self._on_event = on_up, on_down, on_event
        self._timeout_s = timeout_s
        self._timeouts = 0
        self._next_id = 0
        self._pending: dict[int, asyncio.Future[Answer]] = {}
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        """Connect, serve, and connect again, until cancelled."""
        retry_s = _RETRY_FIRST_S
        while True:
            try:
                reader, self._writer = await asyncio.open_unix_connection(self.path, limit=MESSAGE_MAX_BYTES)
            except OSError:
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, _RETRY_MOST_S)
                continue
            try:
                if await self._serve(reader):
                    retry_s = _RETRY_FIRST_S
            finally:
                self._drop()
            await asyncio.sleep(retry_s)
            retry_s = min(retry_s * 2, _RETRY_MOST_S)

    async def _serve(self, reader: asyncio.StreamReader) -> bool:
        """Until the connection ends; True when the process was of use."""
        reading = asyncio.create_task(self._read(reader))
        try:
            answer = await self.ask(GetSnapshot(request_id=0))
            if not isinstance(answer, Snapshot):
                self._tally.count("media_bad_answer", path=self.path.name)
                return False
            self.up, self.draining, self._timeouts = True, False, 0
            self._on_up(self, answer)
            await reading
        except (MediaUnavailable, MediaRefused):
            return False
        finally:
            reading.cancel()
        return True

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await reader.readline()
            except (ValueError, OSError) as error:
                self._tally.count("media_connection_broken", error=type(error).__name__)
                break
            if not line.endswith(b"\n"):
                break
            try:
                reply = decode_reply(line)
            except ValueError:
                self._tally.count("media_bad_line", path=self.path.name)
                continue
            self._take(reply)
        self._fail_pending()

    def _take(self, reply: Answer | Event) -> None:
        if isinstance(reply, PeerChanged | SourceChanged | EncodingsWanted | LinkReport | RecordingChanged):
            if self.up:
                self._hand_on(reply)
            return
        future = self._pending.pop(reply.request_id, None)
        if future is None:
            self._tally.count("media_late_answer", path=self.path.name)
        elif not future.done():
            self._timeouts = 0
            future.set_result(reply)

    def _hand_on(self, event: Event) -> None:
        try:
            self._on_event(self, event)
        except Exception:
            # Our own mistake about one event must not cut off the media of all lessons.
            self._tally.count("media_event_failed", type=event.type)
            _log.exception("an event of the media process could not be handled")

    def post(self, request: Request) -> asyncio.Future[Answer]:
        """Write the request now, in order with all others. Raises `MediaUnavailable`."""
        if self._writer is None:
            raise MediaUnavailable("the media process is not connected")
        if len(self._pending) >= PENDING_MAX or self._backlog > WRITE_BUFFER_MAX_BYTES:
            self._tally.count("media_overloaded", path=self.path.name)
            raise MediaUnavailable("the media process does not keep up")
        self._next_id += 1
        numbered = request.model_copy(update={"request_id": self._next_id})
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._pending[self._next_id] = future
        self._writer.write(encode(numbered))
        asyncio.get_running_loop().call_later(self._timeout_s, self._expire, self._next_id)
        return future

    async def ask(self, request: Request) -> Answer:
        """The answer. Raises `MediaUnavailable` (no connection, no answer in time) or `MediaRefused`."""
        answer = await self.post(request)
        if isinstance(answer, Refused):
            raise MediaRefused(answer.code, answer.message)
        return answer

    @property
    def _backlog(self) -> int:
        return self._writer.transport.get_write_buffer_size() if self._writer is not None else 0

    def _expire(self, request_id: int) -> None:
        future = self._pending.pop(request_id, None)
        if future is None:
            return
        self._tally.count("media_timeout", path=self.path.name)
        self._timeouts += 1
        _fail(future, "the media process did not answer in time")
        if self._timeouts >= _TIMEOUTS_IN_A_ROW and self._writer is not None:
            self._writer.transport.abort()

    def _fail_pending(self) -> None:
        pending, self._pending = self._pending, {}
        for future in pending.values():
            _fail(future, "the connection to the media process was lost")

    def _drop(self) -> None:
        was_up, self.up = self.up, False
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._fail_pending()
        if was_up:
            self._on_down(self)


def _fail(future: asyncio.Future[Answer], reason: str) -> None:
    if not future.done():
        future.set_exception(MediaUnavailable(reason))
        future.exception()  # read once, so that nobody need wait for a posted request
