from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from infra.data_directory import make_data_directory
from infra.errors import BadDataDirectory
from infra.keys import load_keys
from infra.settings import Settings, Tls

ROOT = Path(__file__).parents[2]
NAMES = {f"WEBCLASS_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("file", ["infra/webclass.sample.env", "docs/operations.md"])
def test_every_setting_is_documented_and_no_other(file: str) -> None:
    pattern = r"^(WEBCLASS_\w+)=" if file.endswith(".env") else r"^\| `(WEBCLASS_\w+)` \|"
    assert set(re.findall(pattern, (ROOT / file).read_text(), re.MULTILINE)) == NAMES


def test_the_sample_file_says_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "webclass.env").write_text((ROOT / "infra/webclass.sample.env").read_text())
    plain = Settings()
    monkeypatch.chdir(tmp_path)
    assert Settings() == plain


def test_lists_are_separated_by_commas_and_names_put_into_their_wire_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBCLASS_MEDIA_ANNOUNCED", "+203.0.113.7, 2001:db8::7,")
    monkeypatch.setenv("WEBCLASS_HOST_NAMES", "Урок.школа.рф,192.0.2.5")
    settings = Settings()
    assert settings.media_announced == ("+203.0.113.7", "2001:db8::7")
    assert settings.host_names == ("xn--j1ahfl.xn--80atdl2c.xn--p1ai", "192.0.2.5")


@pytest.mark.parametrize(
    "wrong",
    [
        {"tls": "files"},
        {"tls": "proxy"},
        {"public_url": "lesson.example"},
        {"http_port": 0},
        {"media_port": 65535, "media_processes": 2},
        {"host_names": ("two words",)},
        {"log_level": "loud"},
        {"store": "s3", "s3_endpoint": "http://127.0.0.1:9000"},
        {"s3_endpoint": "127.0.0.1:9000"},
        {"s3_bucket": "No_Bucket"},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


def test_a_proxy_needs_the_address_that_people_open() -> None:
    settings = Settings(tls=Tls.PROXY, public_url="https://lesson.example/")
    assert settings.public_url == "https://lesson.example"


def test_socket_paths_stay_short_enough(tmp_path: Path) -> None:
    deep = Settings(data_dir=tmp_path / ("long" * 40))
    for settings in (deep, Settings(data_dir=Path("/srv/webclass"))):
        assert len(str(settings.bus_path(255))) <= 107
    assert deep.run_dir != Settings(data_dir=tmp_path / ("long" * 41)).run_dir


def test_secrets_are_private_and_made_once(settings: Settings) -> None:
    keys = load_keys(settings)
    assert load_keys(settings) == keys
    assert keys.invitations != keys.classroom
    assert keys.invitations.hex() not in repr(keys)
    for path in (settings.secrets_dir, settings.run_dir):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((settings.secrets_dir / "server.key").stat().st_mode) == 0o600


def test_a_damaged_key_is_not_silently_replaced(settings: Settings) -> None:
    (settings.secrets_dir / "server.key").write_bytes(b"short")
    with pytest.raises(BadDataDirectory, match="damaged"):
        load_keys(settings)


def test_a_data_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadDataDirectory, match="cannot use the data directory"):
        make_data_directory(Settings(data_dir=tmp_path / "file" / "data"))
