"""Structured logs on standard error: lines for people on a terminal, JSON for machines. No secret ever gets in."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from infra.settings import LogFormat, Settings

BLOTTED = "[secret]"

_SECRET_KEY = re.compile(r"token|secret|password|authorization|cookie|resume|(^|_)key$|ice_pwd", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"  # a JWT
    r"|(?<=[Bb]earer )[^\s\"',]+"
    r"|(?<=#)[\w-]{20,}[\w.-]*"  # a link's fragment
    r"|(?<=a=ice-pwd:)\S+"
)


def blot_out_secrets(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Processor of structlog that hides values by their key, and tokens wherever they stand in a text."""
    for key, value in event.items():
        event[key] = BLOTTED if _SECRET_KEY.search(key) and value else _blotted(value)
    return event


def _blotted(value: object) -> object:
    if isinstance(value, str):
        return _SECRET_VALUE.sub(BLOTTED, value)
    if isinstance(value, Mapping):
        return dict(blot_out_secrets(None, "", dict(value)))
    if isinstance(value, list | tuple):
        return [_blotted(each) for each in value]
    return value


def set_up_logs(settings: Settings, process: str) -> None:
    """Logs of this process, its name in every line; messages of libraries go the same way."""
    to_person = settings.log_format is LogFormat.CONSOLE or (
        settings.log_format is LogFormat.AUTO and sys.stderr.isatty()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor] = (
        [blot_out_secrets, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
        if to_person
        else [
            structlog.processors.format_exc_info,
            blot_out_secrets,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    for chatty in ("aioice", "aiortc", "alembic", "aiohttp.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
