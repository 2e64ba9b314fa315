"""What stops the program from starting, told in a sentence that says what to do."""

from __future__ import annotations


class InfraError(Exception):
    """Base of this folder's errors; the command line prints the text and ends with code 1."""


class BadDataDirectory(InfraError):
    """The data directory cannot be made, read or written."""


class PortTaken(InfraError):
    """Another program listens on a port that the server needs."""


class BadCertificate(InfraError):
    """A certificate or key that is configured or stored cannot be used."""


class DatabaseTooNew(InfraError):
    """The database was written by a later version of webclass."""
