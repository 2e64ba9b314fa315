"""What was committed is on the disk and is read back whole, whatever happens in between."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.errors import BadName, SpoolStuck
from recorder.spool import FILE_S, Spool
from recorder.spool_files import files_in
from recorder.spool_reader import SpoolReader
from streaming.tap_chunks import Chunk
from streaming.tap_records import LostRecord, PacketRecord, Record, encode, frame


def packet(number: int) -> bytes:
    return frame(encode(PacketRecord(0, 0, 0, number, number, float(number), b"x" * (number % 40))))


def chunk(first: int, last: int, *, position: int | None = None, epoch: str = "e1", recording: str = "r") -> Chunk:
    """Packets numbered so, at the same positions of their stream unless told otherwise."""
    data = b"".join(packet(number) for number in range(first, last))
    return Chunk(recording, epoch, first if position is None else position, last - first, data)


def read(directory: Path, until: int = 10**9, position: int = 0) -> list[tuple[int, Record]]:
    return list(SpoolReader(directory, position).read(until, 10**6))


def numbers(directory: Path, position: int = 0) -> list[int]:
    return [record.number for _, record in read(directory, position=position) if isinstance(record, PacketRecord)]


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.commit([chunk(0, 10), chunk(10, 30)], 0.0)
    spool.commit([chunk(30, 31)], 1.0)
    got = read(tmp_path / "r")
    assert [position for position, _ in got] == list(range(31))
    assert [record.number for _, record in got if isinstance(record, PacketRecord)] == list(range(31))
    assert spool.ends() == {"r": 31}
    assert spool.positions().positions == {"e1": 31}


def test_what_is_there_already_is_left_out(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.commit([chunk(0, 10)], 0.0)
    spool.commit([chunk(0, 10), chunk(5, 15)], 1.0)
    assert numbers(tmp_path / "r") == list(range(15))


def test_a_hole_or_another_epoch_begins_a_file_and_positions_go_on(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.commit([chunk(0, 10), chunk(20, 25), chunk(0, 5, epoch="e2")], 0.0)
    files = files_in(tmp_path / "r")
    assert [(file.position, file.epoch, file.tap_position) for file in files] == [
        *((0, "e1", 0), (10, "e1", 20), (15, "e2", 0)),
    ]
    assert [position for position, _ in read(tmp_path / "r")] == list(range(20))
    assert spool.positions().positions == {"e1": 25, "e2": 5}


def test_a_new_recorder_goes_on_behind_a_torn_tail(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.commit([chunk(0, 10)], 0.0)
    (file,) = files_in(tmp_path / "r")
    with file.path.open("ab") as tail:
        tail.write(packet(10)[:-3])
    again = Spool(tmp_path)
    assert again.positions().positions == {"e1": 10}
    again.commit([chunk(8, 14)], 1.0)
    assert numbers(tmp_path / "r") == list(range(14))


def test_a_file_torn_at_its_very_beginning_is_no_obstacle(tmp_path: Path) -> None:
    Spool(tmp_path).commit([chunk(0, 10)], 0.0)
    (tmp_path / "r" / "000000000010-e1-000000000010.spool").write_bytes(packet(10)[:5])
    again = Spool(tmp_path)
    again.commit([chunk(0, 3, epoch="e2")], 0.0)
    assert numbers(tmp_path / "r") == [*range(10), 0, 1, 2]


def test_a_reader_follows_a_growing_spool_over_its_files(tmp_path: Path) -> None:
    spool, reader = Spool(tmp_path), SpoolReader(tmp_path / "r")
    got: list[int] = []
    for step in range(12):
        spool.commit([chunk(step * 10, step * 10 + 10)], step * FILE_S / 3)
        got += [record.number for _, record in reader.read((step + 1) * 10, 7) if isinstance(record, PacketRecord)]
        if step > 6:
            spool.forget("r", reader.position)
    got += [record.number for _, record in reader.read(120, 1000) if isinstance(record, PacketRecord)]
    assert got == list(range(120))
    assert len(files_in(tmp_path / "r")) < 4


def test_a_reader_reads_no_further_than_it_is_told(tmp_path: Path) -> None:
    Spool(tmp_path).commit([chunk(0, 10)], 0.0)
    reader = SpoolReader(tmp_path / "r", 3)
    assert [position for position, _ in reader.read(6, 100)] == [3, 4, 5]
    assert [position for position, _ in reader.read(10, 2)] == [6, 7]


def test_a_damaged_record_loses_the_rest_of_its_file_and_that_is_told(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.commit([chunk(0, 10)], 0.0)
    spool.commit([chunk(10, 20)], FILE_S)
    first, _ = files_in(tmp_path / "r")
    data = bytearray(first.path.read_bytes())
    data[len(b"".join(packet(number) for number in range(4))) + 12] ^= 1
    first.path.write_bytes(data)
    got = read(tmp_path / "r")
    assert [position for position, _ in got] == [0, 1, 2, 3, *range(9, 20)]
    assert got[4][1] == LostRecord(6, 3.0)


def test_files_that_are_stored_elsewhere_are_deleted_but_never_the_newest(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for step in range(4):
        spool.commit([chunk(step * 10, step * 10 + 10)], step * FILE_S)
    spool.forget("r", 25)
    assert [file.position for file in files_in(tmp_path / "r")] == [20, 30]
    spool.forget("r", 40)
    assert [file.position for file in files_in(tmp_path / "r")] == [30]
    assert Spool(tmp_path).ends() == {"r": 40}
    spool.remove("r")
    assert not (tmp_path / "r").exists()
    assert spool.ends() == {}


@pytest.mark.parametrize("failing", ["write", "fsync"])
@pytest.mark.parametrize("at", range(6))
def test_a_failed_commit_leaves_nothing_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, at: int
) -> None:
    spool = Spool(tmp_path)
    spool.commit([chunk(0, 10)], 0.0)
    batch = [chunk(10, 20), chunk(0, 10, recording="other"), chunk(25, 30), chunk(0, 5, epoch="e2")]
    real, calls = getattr(os, failing), 0

    def full(descriptor: int, *data: bytes) -> object:
        nonlocal calls
        calls += 1
        if calls == at + 1:
            if data:
                real(descriptor, bytes(data[0][: len(data[0]) // 2]))
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, *data)

    monkeypatch.setattr(os, failing, full)
    try:
        spool.commit(batch, 1.0)
    except SpoolStuck as error:
        assert "No space" in str(error)  # noqa: PT017 - it may as well succeed
        assert spool.ends().get("r") == 10
        assert numbers(tmp_path / "r") == list(range(10))
    monkeypatch.undo()
    spool.commit(batch, 2.0)  # leaves out what is there, where the first try succeeded
    expected = [*range(20), *range(25, 30), *range(5)]
    assert numbers(tmp_path / "r") == expected
    assert numbers(tmp_path / "other") == list(range(10))
    assert numbers_of_a_new_recorder(tmp_path) == expected


def numbers_of_a_new_recorder(root: Path) -> list[int]:
    assert Spool(root).ends()["r"] == len(numbers(root / "r"))
    return numbers(root / "r")


def test_the_disk_is_not_filled_to_the_last_byte(tmp_path: Path) -> None:
    spool = Spool(tmp_path, free_bytes=1 << 60)
    with pytest.raises(SpoolStuck, match="full"):
        spool.commit([chunk(0, 10)], 0.0)
    assert not files_in(tmp_path / "r")


@pytest.mark.parametrize("name", ["../r", "R", "", "a/b", "x" * 65])
def test_names_cannot_lead_elsewhere(tmp_path: Path, name: str) -> None:
    spool = Spool(tmp_path / "spool")
    with pytest.raises(BadName):
        spool.commit([chunk(0, 1, recording=name)], 0.0)
    with pytest.raises(BadName):
        spool.commit([chunk(0, 1, epoch=f"../{name}")], 0.0)
    assert list(tmp_path.iterdir()) == [tmp_path / "spool"]


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 3000), data=st.data())
def test_after_any_cut_a_new_recorder_has_a_prefix_and_goes_on(
    tmp_path_factory: pytest.TempPathFactory, cut: int, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("spool")
    Spool(root).commit([chunk(0, 50)], 0.0)
    (file,) = files_in(root / "r")
    os.truncate(file.path, min(cut, file.path.stat().st_size))
    again = Spool(root)
    kept = again.ends().get("r", 0)
    assert again.positions().positions.get("e1", 0) == kept
    resent = data.draw(st.integers(0, kept))
    again.commit([chunk(resent, 60)], 1.0)
    assert numbers(root / "r") == list(range(60))
