"""The ICE-lite side of every peer (RFC 8445 section 2.5): it answers connectivity checks and never sends any.

`IceLite` is one peer: its credentials, the addresses it has proved to own, the one in use, and its consent as seen from
here (RFC 7675: each authenticated check renews it). `IceRegistry` finds the peer of a check and of a packet. Both are
cores: no socket, no clock. An *address* is any hashable value that stands for where a packet came from; `seen_as` is
its host and port for the answer.

Invariants: an address belongs to at most one peer; it gets there only by a check with that peer's password; it is
not taken from a peer that has used it lately. A sender that cannot prove it knows a password gets no answer at all, so
nothing can be amplified or probed (instead of the 400 and 401 of RFC 8489); each such request is counted by kind.
"""

from __future__ import annotations

import secrets
import string
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

from streaming.wire import stun
from streaming.wire.errors import WireError

Address = Hashable
Owner = TypeVar("Owner")

INTERRUPTED_S: Final = 5.0
EXPIRED_S: Final = 30.0
ADDRESSES_PER_PEER: Final = 8
ADDRESSES_MAX: Final = 40_000
ROLE_CONFLICT: Final = 487
UNKNOWN_ATTRIBUTE: Final = 420

_ALPHABET: Final = string.ascii_letters + string.digits


class IceState(StrEnum):
    """`INTERRUPTED`: no check for 5 s; `EXPIRED`: none for 30 s, consent is gone and nothing more may be sent."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    INTERRUPTED = "interrupted"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Our user name fragment and password, and the peer's fragment: a check's USERNAME is `ufrag:remote_ufrag`."""

    ufrag: str
    password: str
    remote_ufrag: str

    @property
    def username(self) -> str:
        return f"{self.ufrag}:{self.remote_ufrag}"


def new_credentials(remote_ufrag: str) -> Credentials:
    """Fresh random ones: 47 and 142 bits (RFC 8445 section 5.3 asks for 24 and 128)."""
    text = "".join(secrets.choice(_ALPHABET) for _ in range(32))
    return Credentials(text[:8], text[8:], remote_ufrag)


class IceLite:
    """One peer's ICE. After `restart` the former credentials stay valid until a check with the new ones nominates."""

    def __init__(self, credentials: Credentials, now: float) -> None:
        self.credentials = credentials
        self.pending: Credentials | None = None
        self.selected: Address | None = None
        """Where to send: the address nominated last; before any nomination the first that was validated."""
        self._checked: dict[Address, float] = {}
        self._consent = now
        """Time of the last check on the selected address; of creation before the first."""
        self._ever_checked = False

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Validated addresses, the one checked longest ago first."""
        return tuple(self._checked)

    def credentials_of(self, username: str) -> Credentials | None:
        return next((c for c in (self.credentials, self.pending) if c is not None and c.username == username), None)

    def restart(self, credentials: Credentials) -> None:
        self.pending = credentials

    def checked(self, credentials: Credentials, address: Address, nominated: bool, now: float) -> Address | None:
        """An authenticated check came from `address`. Returns the address that is given up for it, if any."""
        self._checked.pop(address, None)
        self._checked[address] = now
        if nominated and credentials is self.pending:
            self.credentials, self.pending = credentials, None
        if self.selected is None or (nominated and credentials is self.credentials):
            self.selected = address
        if address == self.selected:
            self._consent = now
        self._ever_checked = True
        if len(self._checked) <= ADDRESSES_PER_PEER:
            return None
        oldest = next(known for known in self._checked if known != self.selected)
        del self._checked[oldest]
        return oldest

    def last_check(self, address: Address) -> float | None:
        return self._checked.get(address)

    def forget(self, address: Address) -> None:
        """The address is gone (its TCP connection closed) or has become another peer's."""
        self._checked.pop(address, None)
        if self.selected == address:
            self.selected = next(reversed(self._checked), None)
            if self.selected is not None:
                self._consent = self._checked[self.selected]

    def state(self, now: float) -> IceState:
        silent_s = now - self._consent
        if silent_s > EXPIRED_S:
            return IceState.EXPIRED
        if not self._ever_checked:
            return IceState.CONNECTING
        interrupted = self.selected is None or silent_s > INTERRUPTED_S
        return IceState.INTERRUPTED if interrupted else IceState.CONNECTED


@dataclass(frozen=True, slots=True)
class Checked(Generic[Owner]):
    """An answered check: `answer` goes back to where it came from.

    `moved`: the owner's selected address has changed. `displaced`: the owner who has lost this address to it.
    """

    answer: bytes
    owner: Owner
    moved: bool = False
    displaced: Owner | None = None


class _UnansweredError(Exception):
    def __init__(self, kind: str) -> None:
        self.kind = kind


class IceRegistry(Generic[Owner]):
    """All peers of one process. `owners` maps validated addresses to their peers' owners, for every other packet.

    `drops` counts what was not answered, by kind: those of `streaming.wire.stun`, and ice_unknown_ufrag,
    ice_bad_integrity, ice_address_held, ice_addresses_full.
    """

    def __init__(self) -> None:
        self.owners: dict[Address, Owner] = {}
        self.drops: Counter[str] = Counter()
        self._peers: dict[str, tuple[IceLite, Owner]] = {}
        self._holders: dict[Address, IceLite] = {}

    def add(self, ice: IceLite, owner: Owner) -> None:
        """Raises ValueError where its fragment is in use."""
        self._claim(ice.credentials.ufrag, ice, owner)

    def restart(self, ice: IceLite, credentials: Credentials) -> None:
        """New credentials for a known peer, with the peer's new fragment. Raises ValueError as `add` does."""
        _, owner = self._peers[ice.credentials.ufrag]
        self._claim(credentials.ufrag, ice, owner)
        if ice.pending is not None:
            self._peers.pop(ice.pending.ufrag, None)
        ice.restart(credentials)

    def _claim(self, ufrag: str, ice: IceLite, owner: Owner) -> None:
        if ufrag in self._peers:
            raise ValueError("ICE user name fragment already in use")
        self._peers[ufrag] = (ice, owner)

    def remove(self, ice: IceLite) -> None:
        """Forget a peer and its addresses; idempotent."""
        for credentials in (ice.credentials, ice.pending):
            if credentials is not None:
                self._peers.pop(credentials.ufrag, None)
        for address in ice.addresses:
            self._release(address)

    def address_lost(self, address: Address) -> None:
        """A TCP path has closed."""
        holder = self._holders.get(address)
        if holder is not None:
            self._release(address)
            holder.forget(address)

    def _release(self, address: Address) -> None:
        self.owners.pop(address, None)
        self._holders.pop(address, None)

    def handle(self, data: bytes, address: Address, seen_as: tuple[str, int], now: float) -> Checked[Owner] | None:
        """One STUN datagram; None where nothing is to be answered. Never raises on what a peer sent."""
        try:
            return self._answer(stun.parse_request(data), address, seen_as, now)
        except (WireError, _UnansweredError) as error:
            self.drops[error.kind] += 1
            return None

    def _answer(self, request: stun.Request, address: Address, seen_as: tuple[str, int], now: float) -> Checked[Owner]:
        ice, owner, credentials = self._find(request.username)
        password = credentials.password.encode()
        if not stun.authentic(request, password):
            raise _UnansweredError("ice_bad_integrity")
        if request.unknown:
            return Checked(
                stun.write_error(request.transaction_id, UNKNOWN_ATTRIBUTE, password, request.unknown), owner
            )
        if request.controlled:
            # A lite agent never controls: the peer has to (RFC 8445 section 7.3.1.1).
            return Checked(stun.write_error(request.transaction_id, ROLE_CONFLICT, password), owner)
        displaced = None if self._holders.get(address) is ice else self._acquire(ice, owner, address, now)
        selected, former = ice.selected, ice.credentials
        given_up = ice.checked(credentials, address, request.use_candidate, now)
        if given_up is not None:
            self._release(given_up)
        if ice.credentials is not former:
            self._peers.pop(former.ufrag, None)
        answer = stun.write_success(request.transaction_id, *seen_as, password)
        return Checked(answer, owner, ice.selected != selected, displaced)

    def _find(self, username: str) -> tuple[IceLite, Owner, Credentials]:
        known = self._peers.get(username.partition(":")[0])
        credentials = known[0].credentials_of(username) if known is not None else None
        if known is None or credentials is None:
            raise _UnansweredError("ice_unknown_ufrag")
        return *known, credentials

    def _acquire(self, ice: IceLite, owner: Owner, address: Address, now: float) -> Owner | None:
        """Give the address to this peer; returns the owner who had it."""
        holder, displaced = self._holders.get(address), self.owners.get(address)
        if holder is not None:
            last = holder.last_check(address)
            if last is not None and now - last <= INTERRUPTED_S:
                raise _UnansweredError("ice_address_held")
            holder.forget(address)
        elif len(self.owners) >= ADDRESSES_MAX:
            raise _UnansweredError("ice_addresses_full")
        self._holders[address] = ice
        self.owners[address] = owner
        return displaced
