"""The link's conditions as words of a command line: `300k`, `2s`, `0.01:0.3`, `40:rate=250k,loss=0.05`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .model import BurstLoss, LinkConditions
from .script import Change, Script, script_of_rates
from .traces import read_trace

_FACTORS = {"k": 1e3, "m": 1e6, "g": 1e9}


class BadOption(ValueError):
    """A word that means no condition; the message shows it."""


def conditions_of(words: Mapping[str, str], base: LinkConditions) -> LinkConditions:
    """`base` with what the words change: rate, delay, jitter, loss, burst-loss, buffer. Raises BadOption."""
    changed: dict[str, Any] = {}
    for name, word in words.items():
        read = _READERS.get(name)
        if read is None:
            raise BadOption(f"unknown condition {name!r}; there are: {', '.join(_READERS)}")
        try:
            changed |= read(word.strip().lower())
        except ValueError as error:
            raise BadOption(f"{name}: {word!r} cannot be read") from error
    return replace(base, **changed)


def change_of(text: str, base: LinkConditions) -> Change:
    """`SECONDS:name=word,name=word`, changing `base`. Raises BadOption."""
    seconds, _, rest = text.partition(":")
    pairs = [pair.partition("=") for pair in rest.split(",")]
    if not all(name and equals for name, equals, _ in pairs):
        raise BadOption(f"SECONDS:name=value,… expected, not {text!r}")
    try:
        at_s = _number(seconds)
    except ValueError as error:
        raise BadOption(f"seconds expected, not {seconds!r}") from error
    return Change(at_s, conditions_of({name.strip(): word for name, _, word in pairs}, base))


def script_of(changes: list[str], trace: Path | None, base: LinkConditions) -> Script:
    """Changes given by hand, each on top of those before it, or a trace's. Raises BadOption, BadScript, BadTrace."""
    if trace is not None:
        if changes:
            raise BadOption("changes and a trace exclude each other")
        found = read_trace(trace)
        return script_of_rates(base, found.rates, found.period_s)
    made: list[Change] = []
    for text in changes:
        made.append(change_of(text, made[-1].conditions if made else base))
    return Script(made)


def add_direction(group: argparse._ArgumentGroup, prefix: str) -> None:
    """The options of one direction, `--rate` or, with a prefix, `--up-rate`."""
    group.add_argument(f"--{prefix}rate", metavar="BITS", help="bits per second: 300k, 1.5M, 0, unlimited")
    group.add_argument(f"--{prefix}delay", metavar="MS", help="one way, milliseconds")
    group.add_argument(f"--{prefix}jitter", metavar="MS", help="up to so many milliseconds more; order is kept")
    group.add_argument(f"--{prefix}loss", metavar="SHARE", help="random loss, 0 to 1")
    group.add_argument(
        f"--{prefix}burst-loss", metavar="BAD:GOOD", help="probabilities to enter and to leave a bad time"
    )
    group.add_argument(f"--{prefix}buffer", metavar="SIZE", help="2s, 64kB or 25p (packets); 1s if not given")
    group.add_argument(
        f"--{prefix}at", metavar="SECONDS:CHANGES", action="append", default=[], help="e.g. 40:rate=250k,loss=0.05"
    )
    group.add_argument(
        f"--{prefix}trace", metavar="FILE", type=Path, help="Mahimahi, or .csv of seconds,bits per second"
    )


def direction_of(arguments: argparse.Namespace, prefix: str, base: LinkConditions) -> tuple[LinkConditions, Script]:
    """What the options of one direction say. Raises BadOption, BadScript, BadTrace, OSError."""
    found = vars(arguments)
    given = {name: found[f"{prefix}{name}".replace("-", "_")] for name in _READERS}
    conditions = conditions_of({name: word for name, word in given.items() if word is not None}, base)
    return conditions, script_of(
        found[f"{prefix}at".replace("-", "_")], found[f"{prefix}trace".replace("-", "_")], conditions
    )


def _number(word: str) -> float:
    value = float(word)
    if not value >= 0 or math.isinf(value):
        raise ValueError(word)
    return value


def _share(word: str) -> float:
    value = _number(word)
    if value > 1:
        raise ValueError(word)
    return value


def _scaled(word: str) -> float:
    factor = _FACTORS.get(word[-1:], 1.0)
    return _number(word[:-1] if word[-1:] in _FACTORS else word) * factor


def _rate(word: str) -> dict[str, Any]:
    return {"rate_bps": math.inf if word == "unlimited" else _scaled(word)}


def _burst_loss(word: str) -> dict[str, Any]:
    if word in ("0", "none"):
        return {"burst_loss": None}
    bad, good = (_share(part) for part in word.split(":"))
    return {"burst_loss": BurstLoss(bad, good)}


def _buffer(word: str) -> dict[str, Any]:
    free: dict[str, Any] = {"buffer_s": math.inf, "buffer_bytes": math.inf, "buffer_packets": math.inf}
    if word.endswith("p"):
        return free | {"buffer_packets": _number(word[:-1])}
    if word.endswith("b"):
        return free | {"buffer_bytes": _scaled(word[:-1])}
    return free | {"buffer_s": _number(word.removesuffix("s"))}


_READERS = {
    "rate": _rate,
    "delay": lambda word: {"delay_s": _number(word) / 1000},
    "jitter": lambda word: {"jitter_s": _number(word) / 1000},
    "loss": lambda word: {"loss": _share(word)},
    "burst-loss": _burst_loss,
    "buffer": _buffer,
}
