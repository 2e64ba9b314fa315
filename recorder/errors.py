"""What can go wrong in the recorder."""

from __future__ import annotations


class RecorderError(Exception):
    """Base of all; the message is one English sentence for whoever can act on it."""


class SpoolStuck(RecorderError):
    """The spool cannot be written now: its disk is full or broken. Nothing was written; trying again may help."""


class BadName(RecorderError):
    """Not the name of a recording."""
