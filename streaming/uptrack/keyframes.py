"""Keyframe requests to one publisher's Track: many viewers' wishes become few picture loss indications."""

from __future__ import annotations

from typing import Final

MIN_INTERVAL_S: Final = 0.4
"""Browsers make a keyframe about once in 300 ms at most; asking faster only costs. An unanswered request is repeated as
often, since it or the keyframe may have been lost."""
TRIES: Final = 5
"""Requests that one wish is worth. An encoding may have ended, and asking for it makes keyframes of all the others;
whoever still waits wishes again."""
STILL_INTERVAL_S: Final = 5.0
"""Viewers of still pictures get a keyframe at least so often."""


class KeyframeRequests:
    """Sans-IO: `ask` by whoever needs one, `due` when feedback is sent, `arrived` for each keyframe of an encoding."""

    def __init__(self) -> None:
        self._waiting: dict[int, int] = {}  # encoding -> requests left
        self._asked_s = float("-inf")
        self.merged = 0

    def ask(self, encoding: int) -> None:
        if encoding in self._waiting:
            self.merged += 1
        self._waiting[encoding] = TRIES

    def arrived(self, encoding: int) -> None:
        self._waiting.pop(encoding, None)

    def due(self, now: float) -> list[int]:
        """Encodings to send a request for now. They stay waiting until their keyframe arrives or `TRIES` are used
        up."""
        if not self._waiting or now - self._asked_s < MIN_INTERVAL_S:
            return []
        self._asked_s = now
        asked = sorted(self._waiting)
        self._waiting = {encoding: tries - 1 for encoding, tries in self._waiting.items() if tries > 1}
        return asked
