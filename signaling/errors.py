"""What can go wrong while people get in and out of a lesson."""

from __future__ import annotations

from signaling.messages import ErrorCode
from streaming.control import RefusalCode


class SignalingError(Exception):
    """Base of all errors of this folder; the text is one English sentence."""


class Refusal(SignalingError):
    """The client asked for something that it cannot have: `code` is for its page, the text for its log."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class MediaUnavailable(SignalingError):
    """No media process can serve the lesson now, or it did not answer in time; trying again later may help."""


class MediaRefused(SignalingError):
    """The media process said no."""

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
