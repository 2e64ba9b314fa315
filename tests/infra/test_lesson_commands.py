"""The command line without a running server: straight in the database."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.cli import app
from infra.preparation import open_school
from infra.settings import Settings
from school.errors import BadText, NotFound, Revoked, SignInFailed
from school.invitations import InvitationClaims

ROLES = ["teacher", "co_teacher", "class", "viewer"]


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEBCLASS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "300")


def run(*arguments: str) -> str:
    return CliRunner().invoke(app, arguments, catch_exceptions=False).stdout


def create(*more: str) -> dict[str, Any]:
    created: dict[str, Any] = json.loads(run("lesson", "create", "--title", "Волны", "--json", *more))
    return created


def verify(token: str) -> InvitationClaims:
    async def look() -> InvitationClaims:
        async with open_school(Settings()) as school:
            return await school.invitations.verify(token, time.time())

    return asyncio.run(look())


def test_create_prints_what_scripts_need() -> None:
    created = create("--kind", "partial", "--valid-hours", "2")
    assert (created["title"], created["kind"]) == ("Волны", "partial")
    assert list(created["tokens"]) == ROLES
    for role, token in created["tokens"].items():
        claims = verify(token)
        assert (claims.lesson_id, claims.role.value) == (created["lesson_id"], role)
        assert abs(claims.expires_at - time.time() - 7200) < 60
        assert created["links"][role] == f"http://localhost:8080/join#{token}"
        assert created["network_links"][role].endswith(f"/join#{token}")


def test_links_begin_with_the_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBCLASS_PUBLIC_URL", "https://lesson.example/")
    created = create()
    for kind in ("links", "network_links"):
        assert created[kind]["class"].startswith("https://lesson.example/join#")


def test_people_get_readable_lines() -> None:
    text = run("lesson", "create", "--title", "[bold]Волны[/bold]")
    assert "[bold]Волны[/bold]" in text
    assert text.count("/join#") == 8
    assert "[bold]Волны[/bold]" in run("lesson", "list")


def test_lessons_and_links_are_listed_again() -> None:
    created = create()
    (listed,) = json.loads(run("lesson", "list", "--json"))
    assert (listed["lesson_id"], listed["state"]) == (created["lesson_id"], "waiting")
    links = json.loads(run("lesson", "links", created["lesson_id"], "--json"))
    assert {link["role"]: link["link"] for link in links} == created["links"]
    assert {link["state"] for link in links} == {"open"}
    assert run("lesson", "links", created["lesson_id"]).count("/join#") == 4


def test_one_link_is_revoked_then_all() -> None:
    created = create()
    first = json.loads(run("lesson", "links", created["lesson_id"], "--json"))[0]
    assert run("lesson", "revoke", first["invitation_id"]) == "revoked: 1\n"
    assert run("lesson", "revoke", first["invitation_id"]) == "revoked: 0\n"
    with pytest.raises(Revoked):
        verify(created["tokens"][first["role"]])
    assert run("lesson", "revoke", created["lesson_id"]) == "revoked: 3\n"
    with pytest.raises(NotFound):
        run("lesson", "revoke", "nothing")


def test_admin_link_signs_in_once_and_voids_the_earlier_one() -> None:
    links = [run("admin", "link").splitlines()[0] for _ in range(2)]

    async def use(link: str) -> str:
        async with open_school(Settings()) as school:
            return (await school.accounts.use_link(link.partition("#")[2], time.time())).administrator.name

    with pytest.raises(SignInFailed):
        asyncio.run(use(links[0]))
    assert asyncio.run(use(links[1])) == "admin"
    with pytest.raises(SignInFailed):
        asyncio.run(use(links[1]))


def test_a_bad_title_is_refused() -> None:
    with pytest.raises(BadText):
        run("lesson", "create", "--title", "two\nlines")


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (("lesson", "create", "--title", " "), {}, "webclass: title is empty\n"),
        (("lesson", "list"), {"WEBCLASS_TLS": "proxy"}, "WEBCLASS_PUBLIC_URL"),
        (("lesson", "list"), {"WEBCLASS_HTTP_PORT": "99999"}, "WEBCLASS_HTTP_PORT"),
        (("lesson", "list"), {"WEBCLASS_DATA_DIR": "/proc/nothing"}, "cannot use the data directory"),
    ],
)
def test_what_a_person_can_mend_is_a_sentence_and_no_traceback(
    arguments: tuple[str, ...], environment: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    root = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", root)
    done = subprocess.run([sys.executable, "-m", "infra.cli", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
