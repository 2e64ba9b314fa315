"""`webclass store init`, and the store that the settings name."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from archive.directory_store import DirectoryStore
from archive.errors import StoreError
from archive.s3_store import S3Store
from infra.cli import app
from infra.object_store import open_store, set_up_store
from infra.settings import Settings, StoreKind
from tests.serving import free_ports


def s3_settings(tmp_path: Path, secret: str = "secret-that-is-not-shown") -> Settings:
    """Of a server that is not there."""
    return Settings(
        data_dir=tmp_path,
        store=StoreKind.S3,
        s3_endpoint=f"http://127.0.0.1:{free_ports(1)[0]}",
        s3_access_key="key",
        s3_secret_key=SecretStr(secret),
    )


def test_init_makes_and_proves_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEBCLASS_DATA_DIR", str(tmp_path / "data"))
    for _ in range(2):
        result = CliRunner().invoke(app, ["store", "init"], catch_exceptions=False)
        assert (result.exit_code, str(tmp_path / "data" / "store") in result.stdout) == (0, True)


async def test_which_store(tmp_path: Path) -> None:
    for settings, kind in ((Settings(data_dir=tmp_path), DirectoryStore), (s3_settings(tmp_path), S3Store)):
        store = open_store(settings)
        assert isinstance(store, kind)
        await store.close()


async def test_a_server_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    settings = s3_settings(tmp_path)
    with pytest.raises(StoreError, match="cannot be reached") as told:
        await set_up_store(settings)
    assert "secret-that-is-not-shown" not in f"{told.value!r} {settings!r}"
