"""docs/protocol.md tells the truth: every message, code and route is on it, and every example is accepted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import get_args

import pytest
from pydantic import TypeAdapter

from school.link_tests import Verdict
from signaling import link_test_messages as lt
from signaling import messages as m
from signaling.routes import ROUTES
from signaling.schema import protocol_schema
from signaling.socket_connection import CloseCode

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")


def examples(heading: str) -> list[str]:
    section = PAGE.split(f"### {heading}\n", 1)[1]
    block = re.search(r"```json\n(.*?)```", section, re.DOTALL)
    assert block is not None
    return block[1].splitlines()


def types(union: object) -> set[str]:
    return {model.model_fields["type"].default for model in get_args(get_args(union)[0])}


@pytest.mark.parametrize(
    ("heading", "adapter", "union"),
    [
        ("Messages of the client", m.from_client, m.FromClient),
        ("Messages of the server", m.from_server, m.FromServer),
        ("Messages of a link test's page", lt.link_test_from_client, lt.LinkTestFromClient),
        ("Messages of the server in a link test", lt.link_test_from_server, lt.LinkTestFromServer),
    ],
)
def test_every_message_has_an_example_that_is_valid(heading: str, adapter: TypeAdapter[object], union: object) -> None:
    shown = {adapter.validate_json(line).type for line in examples(heading)}  # type: ignore[attr-defined]
    assert shown == types(union)


def test_every_error_and_close_code_is_explained() -> None:
    missing: Iterable[str] = [code for code in m.ErrorCode if f"`{code}`" not in PAGE]
    assert not list(missing)
    assert not [code for code in CloseCode if f"| {code.value} |" not in PAGE]


@pytest.mark.parametrize("codes", [lt.LinkTestTrouble, lt.LinkNote, Verdict])
def test_every_word_of_a_link_test_is_explained(codes: type[StrEnum]) -> None:
    assert not [code for code in codes if f"`{code}`" not in PAGE]


def test_every_route_is_listed() -> None:
    for route in ROUTES:
        path = route.path.removesuffix("/{resource_id}")
        assert path in PAGE
        if path.startswith("/api/") and path != "/api/classroom":
            assert f"`{route.method} {path}`" in PAGE


def test_the_schema_names_every_message() -> None:
    schema = protocol_schema()
    assert schema["version"] == m.PROTOCOL_VERSION
    for side, union in (("client", m.FromClient), ("server", m.FromServer)):
        text = json.dumps(schema[side])
        assert all(f'"{name}"' in text for name in types(union))
