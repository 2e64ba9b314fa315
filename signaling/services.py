"""Everything the routes and the WebSocket need from the rest of the program, given once when the process starts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from archive.catalog import Catalog
from archive.deletion import Deletion
from archive.shelves import Shelves
from archive.store import ObjectStore
from school.accounts import Accounts
from school.feed import FeedSpans
from school.invitations import Invitations
from school.lessons import Lessons
from school.link_capacity import LinkCapacities
from school.link_tests import LinkTests
from signaling.limits import Moment
from signaling.link_keys import LinkKeys
from signaling.link_memory import LinkMemory
from signaling.media_bus import MediaBus
from signaling.reader_passes import ReaderPasses
from signaling.tally import Tally


@dataclass(frozen=True, slots=True)
class Services:
    """`secret` (32 bytes) signs resume secrets and WHIP/WHEP resources; it must outlive a restart of the process.

    `public_url` (`https://host:port`, no trailing slash) begins the links that are handed out; empty: the address that
    the request came to. `network_url` is where other computers find the pages, for who asks from this very computer.
    `clock` is monotonic seconds, `wall` Unix time.
    """

    lessons: Lessons
    invitations: Invitations
    accounts: Accounts
    feed: FeedSpans
    capacities: LinkCapacities
    link_tests: LinkTests
    media: MediaBus
    secret: bytes
    link_keys: LinkKeys
    catalog: Catalog
    shelves: Shelves
    store: ObjectStore
    deletion: Deletion
    public_url: str = ""
    network_url: str = ""
    max_participants: int = 1000
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    tally: Tally = field(default_factory=Tally)
    link_memory: LinkMemory = field(default_factory=LinkMemory)
    reader_passes: ReaderPasses = field(default_factory=ReaderPasses)

    def moment(self) -> Moment:
        return Moment(self.clock(), self.wall())
