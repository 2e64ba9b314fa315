from __future__ import annotations

from pathlib import Path

import pytest

from infra.data_directory import make_data_directory
from infra.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with a data directory of their own, which is there."""
    monkeypatch.chdir(tmp_path)
    made = Settings(data_dir=tmp_path / "data")
    make_data_directory(made)
    return made
