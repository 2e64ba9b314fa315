"""The recorder from tap to store, with everything around it failing in turn: every packet arrives, once, in order."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from infra.metrics import ask_metrics
from recorder import intake, process
from recorder.metrics import serve_metrics
from recorder.tally import Alarm
from streaming.tap_buffer import TapBuffer
from streaming.tap_records import RecordingState
from tests.recorder.ledger import numbers_stored
from tests.recorder.running import Media, Places, make_recorder, running, spawn, until

RUNNING, ENDED = RecordingState.RUNNING, RecordingState.ENDED


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def finished(places: Places, recording: str = "r") -> object:
    return places.log.row(recording).get("finished")


def stored(places: Places, recording: str = "r") -> list[int]:
    return numbers_stored(places.log, places.store, recording)


async def test_a_lesson_is_stored_while_it_runs_and_complete_soon_after_its_end(places: Places) -> None:
    media = Media(places.tap())
    await media.open()
    media.say(RUNNING)
    async with running(make_recorder(places)), media.pumping():
        await until(lambda: places.log.row("r") and len(stored(places)) > 500)
    async with running(make_recorder(places)):
        media.say(ENDED)
        before = time.monotonic()
        await until(lambda: finished(places))
        assert time.monotonic() - before < 5
        await until(lambda: not places.spool.joinpath("r").exists())
        assert stored(places) == list(range(media.count))
        assert media.buffer.bytes == 0
        assert media.buffer.streams == {}
    media.socket.close()


async def test_killed_again_and_again_it_loses_nothing(places: Places) -> None:
    rng = random.Random(4)
    media = Media(places.tap())
    await media.open()
    media.say(RUNNING)
    async with media.pumping():
        for _ in range(4):
            recorder = await spawn(places)
            await asyncio.wait_for(_connected(media), 20)
            await asyncio.sleep(rng.uniform(0.1, 2.5))
            recorder.kill()
            await recorder.wait()
    media.say(ENDED)
    async with running(make_recorder(places)):
        await until(lambda: finished(places))
    assert stored(places) == list(range(media.count))
    assert media.buffer.counts["tap_dropped"] == 0
    media.socket.close()


async def _connected(media: Media) -> None:
    former = media.socket.current
    while media.socket.current is None or media.socket.current is former:  # noqa: ASYNC110 - no event tells it
        await asyncio.sleep(0.01)


async def test_another_media_process_goes_on_in_the_same_recording(places: Places) -> None:
    first, second = Media(places.tap(0)), Media(places.tap(1))
    await first.open()
    first.say(RUNNING)
    async with running(make_recorder(places, taps=2)) as recorder:
        first.put(120)
        await until(lambda: recorder.working.get("r") and recorder.working["r"].committed == 121)
        first.socket.close()
        second.count = first.count
        await second.open()
        second.say(RUNNING)
        second.put(80)
        second.say(ENDED)
        await until(lambda: finished(places))
    assert stored(places) == list(range(200))
    second.socket.close()


async def test_a_recorder_away_too_long_costs_the_oldest_and_says_so(places: Places) -> None:
    media = Media(places.tap(), TapBuffer(max_bytes=200_000))
    await media.open()
    media.say(RUNNING)
    for _ in range(40):
        media.put(100)
    media.say(ENDED)
    dropped = media.buffer.counts["tap_dropped"]
    assert dropped > 0
    async with running(make_recorder(places)) as recorder:
        await until(lambda: finished(places))
        assert recorder.tally.counts["lost_records"] == dropped
    assert places.log.row("r")["gaps"] == [f"lost {dropped}"]
    assert stored(places) == list(range(dropped - 1, media.count))  # the first of them was the state
    media.socket.close()


async def test_while_the_store_is_away_the_spool_grows_and_nothing_is_lost(places: Places) -> None:
    media, store = Media(places.tap()), places.store
    await media.open()
    store.away = True
    media.say(RUNNING)
    async with running(make_recorder(places, store)) as recorder:
        async with media.pumping():
            await until(lambda: Alarm.STORE_AWAY in recorder.tally.alarms)
            held = recorder.working["r"].committed
            await until(lambda: recorder.working["r"].committed > held + 500)
            assert media.buffer.bytes < 300_000
            store.away = False
            await until(lambda: not recorder.tally.alarms)
        media.say(ENDED)
        await until(lambda: finished(places))
    assert stored(places) == list(range(media.count))
    assert store.wrote_twice == []
    media.socket.close()


async def test_a_full_disk_raises_alarm_and_is_over_soon_after_there_is_room(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "WAITING_MAX_BYTES", 20_000)
    media = Media(places.tap())
    await media.open()
    media.say(RUNNING)
    async with running(make_recorder(places)) as recorder:
        media.put(100)
        await until(lambda: recorder.working.get("r") and recorder.working["r"].committed == 101)
        recorder._shop.spool.free_bytes = 1 << 60
        async with media.pumping():
            before = time.monotonic()
            await until(lambda: Alarm.SPOOL_STUCK in recorder.tally.alarms)
            assert time.monotonic() - before < 5
            await until(lambda: media.buffer.bytes > 300_000)  # what the recorder does not take stays there
            recorder._shop.spool.free_bytes = 0
            before = time.monotonic()
            await until(lambda: Alarm.SPOOL_STUCK not in recorder.tally.alarms)
            assert time.monotonic() - before < 2
        media.say(ENDED)
        await until(lambda: finished(places))
    assert stored(places) == list(range(media.count))
    assert media.buffer.counts["tap_dropped"] == 0
    media.socket.close()


async def test_what_no_record_ends_is_ended_when_its_lesson_is_over(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The media process died, and the lesson was ended before another one had its room."""
    monkeypatch.setattr(process, "QUIET_S", 1.0)
    monkeypatch.setattr(process, "LOOK_S", 0.2)
    over: set[str] = set()

    async def is_over(recording_id: str) -> bool:
        return recording_id in over

    media = Media(places.tap())
    await media.open()
    media.say(RUNNING)
    media.say(RUNNING, "other")
    media.put(75)
    media.put(60, "other")
    async with running(make_recorder(places, is_over=is_over)) as recorder:
        await until(lambda: places.log.row("r") and places.log.row("other"))
        over.add("r")
        await until(lambda: finished(places))
        assert stored(places) == list(range(75))
        await until(lambda: list(recorder.working) == ["other"])
        assert not finished(places, "other")
    media.socket.close()


async def test_the_metrics_tell_how_it_is(places: Places, tmp_path: Path) -> None:
    media = Media(places.tap())
    await media.open()
    media.say(RUNNING)
    media.put(75)
    async with running(make_recorder(places)) as recorder:
        server = await serve_metrics(recorder, tmp_path / "recorder.sock")
        await until(lambda: places.log.row("r"))
        text = await ask_metrics(tmp_path / "recorder.sock")
        assert text is not None
        samples = {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        assert samples[("webclass_recordings",)] == 1
        assert samples[("webclass_taps",)] == 1
        assert samples[("webclass_recorder_alarm", "spool_stuck")] == 0
        server.close()
    media.socket.close()


async def test_a_hundred_recordings_at_once(places: Places) -> None:
    media = Media(places.tap())
    await media.open()
    names = [f"r{number}" for number in range(100)]
    for name in names:
        media.say(RUNNING, name)
    async with running(make_recorder(places)):
        for _ in range(4):
            for name in names:
                media.put(30, name)
            await asyncio.sleep(0.2)
        for name in names:
            media.say(ENDED, name)
        await until(lambda: all(finished(places, name) for name in names))
    everything = sorted(number for name in names for number in stored(places, name))
    assert everything == list(range(media.count))
    media.socket.close()
