"""What can go wrong in the archive."""

from __future__ import annotations


class ArchiveError(Exception):
    """Base of all; the message is one English sentence for whoever can act on it."""


class StoreError(ArchiveError):
    """The object store did not do what it was asked; trying again later may help."""


class ObjectMissing(StoreError):
    """There is no such object."""


class BadKey(ArchiveError):
    """Not an object's key."""


class NotFound(ArchiveError):
    """No such row, or none that this person may see."""


class NotEmpty(ArchiveError):
    """What is to be removed still holds something."""


class ObjectDiffers(StoreError):
    """The key is taken by an object with other content: objects never change."""


class CatalogUnavailable(ArchiveError):
    """The database did not do what it was asked; trying again later may help."""


class OnHold(ArchiveError):
    """The recording may not be deleted: a legal hold keeps it."""


class StillRecording(ArchiveError):
    """The recording cannot be deleted or exported yet: it is not complete."""
