"""What can go wrong in the school network's records. Each class is somebody's mistake or a plain fact, none is ours."""

from __future__ import annotations


class SchoolError(Exception):
    """Base of all errors of this folder; the text is one English sentence."""


class BadText(SchoolError):
    """A title, name or password that cannot be accepted; the text says why."""


class NotFound(SchoolError):
    """No such lesson, invitation or administrator."""


class WrongState(SchoolError):
    """The lesson cannot go from its present state to the wished one."""


class InvitationError(SchoolError):
    """An invitation token that opens nothing."""


class BadToken(InvitationError):
    """Not a token of this server: malformed, signed with another key, or of an invitation that never was."""


class Expired(InvitationError):
    """The invitation's time is over."""


class Revoked(InvitationError):
    """The invitation was withdrawn."""


class SignInFailed(SchoolError):
    """Wrong name or password, or a one-time link that is unknown, used or too old: deliberately not told apart."""


class TooManyGuesses(SchoolError):
    """Sign-in is closed for a while; try again in `retry_after_s` seconds."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"too many attempts to sign in; try again in {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s
