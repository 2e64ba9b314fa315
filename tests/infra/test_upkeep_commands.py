"""The commands of upkeep, as a script sees them: what they print and how they end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli import app
from infra.database import open_database, sessions_of
from infra.object_store import open_store
from infra.preparation import prepare
from infra.settings import Settings
from tests.archive.corruption import fill


@pytest.fixture(autouse=True)
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One recording of three segments; the folder of its objects."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEBCLASS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "300")

    async def make() -> None:
        settings = Settings()
        await prepare(settings)
        engine, store = open_database(settings), open_store(settings)
        await fill(sessions_of(engine), store, recordings=1, segments=3)
        await store.close()
        await engine.dispose()

    asyncio.run(make())
    return tmp_path / "data" / "store" / "objects" / "recordings" / "recording-0"


def run(*arguments: str, ends_with: int = 0) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == ends_with, result.output
    return result.stdout


# aiosqlite's thread outlives the loop when a database cannot be opened, and complains.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_check_tells_by_its_exit_code(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "found: 0" in run("check")
    (archive / "teacher_video" / "0" / "0-1.m4s").unlink()
    (finding,) = json.loads(run("check", "--json", ends_with=1))["findings"]
    assert finding["kind"] == "object_missing"
    assert finding["object_key"] == "recordings/recording-0/teacher_video/0/0-1.m4s"
    assert "(repaired)" in run("check", "--repair", ends_with=1)
    assert "found: 0" in run("check")
    monkeypatch.setenv("WEBCLASS_DATABASE_URL", "sqlite+aiosqlite:////nowhere/webclass.db")
    run("check", ends_with=2)


def test_a_hold_keeps_a_recording_until_it_is_taken_off() -> None:
    run("recording", "hold", "recording-0")
    run("recording", "delete", "recording-0", "--yes", ends_with=1)
    run("recording", "hold", "recording-0", "--off")
    run("recording", "keep", "recording-0", "--until", "2031-06-30")
    run("recording", "delete", "recording-0", "--yes")
    run("export", "recording-0", "out", ends_with=1)


def test_what_is_backed_up_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(run("backup", "copy", "--json"))["objects"] == 12
    assert json.loads(run("backup", "copy", "--json"))["copied"] == 0
    monkeypatch.setenv("WEBCLASS_DATA_DIR", str(tmp_path / "elsewhere"))
    assert "12 objects" in run("restore", "copy")
    assert "found: 0" in run("check")
    assert json.loads(run("export", "recording-0", "out", "--json"))["files"] > 12
