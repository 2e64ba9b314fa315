from __future__ import annotations

import json
import subprocess
import sys

import pytest

from infra.logs import BLOTTED, blot_out_secrets

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiI2NTFlZDM0OTMwZmIifQ.YcpNztmJ3oa1pvYcYbloGNyGCF86fvpsqPSFTHXNDbQ"

PROGRAM = """
import logging, structlog
from infra.logs import set_up_logs
from infra.settings import Settings
set_up_logs(Settings(log_format="json"), "web")
structlog.get_logger("ours").info("came", token="hidden", lesson_id="a1", link="https://x/join#%(jwt)s")
logging.getLogger("library").warning("Bearer %%s was refused", "%(jwt)s")
try:
    raise ValueError("wrong token %(jwt)s")
except ValueError:
    structlog.get_logger("ours").exception("failed")
"""


@pytest.mark.parametrize(
    "event",
    [
        {"token": "anything"},
        {"Authorization": "Bearer x"},
        {"password": "x"},
        {"resume": "x"},
        {"text": f"GET /x {JWT}"},
        {"text": "Authorization: Bearer abc.def"},
        {"text": "http://localhost:8080/sign-in#vEQVJbnpm6fzP4S_xhl6e7hGOJnux9jJXtltQCuDlgA"},
        {"text": "a=ice-pwd:abcdefghijklmnopqrstuvw"},
        {"details": {"nested": [f"{JWT}"]}},
        {"headers": {"Cookie": "x"}},
    ],
)
def test_secrets_are_blotted_out(event: dict[str, object]) -> None:
    shown = str(blot_out_secrets(None, "info", dict(event)))
    assert BLOTTED in shown
    for secret in (JWT, "anything", "abc.def", "vEQVJ", "abcdefghij", "'x'"):
        assert secret not in shown


def test_what_is_no_secret_stays() -> None:
    event = {"event": "listening", "port": 8080, "lesson_id": "e5d83e8986232f6b4b26", "slots": ["teacher_video"]}
    assert blot_out_secrets(None, "info", dict(event)) == event


def test_lines_are_json_name_their_process_and_hide_tokens_of_libraries_too() -> None:
    program = PROGRAM % {"jwt": JWT}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    came, refused, failed = (json.loads(line) for line in done.stderr.splitlines())
    assert (came["event"], came["process"], came["level"]) == ("came", "web", "info")
    assert (came["lesson_id"], came["token"]) == ("a1", BLOTTED)
    assert (refused["event"], refused["logger"]) == (f"Bearer {BLOTTED} was refused", "library")
    assert "ValueError" in failed["exception"]
    assert JWT not in done.stderr
