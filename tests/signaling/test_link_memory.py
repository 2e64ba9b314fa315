"""What a link has proven: for whom it counts, how it is shared, how long it is kept."""

from __future__ import annotations

import ipaddress
from datetime import date, timedelta

import pytest

from school.link_capacity import KEPT_DAYS, LinkCapacities
from signaling.link_keys import LinkKeys
from signaling.link_memory import LINKS_MAX, START_MOST_BPS, WINDOW_S, LinkMemory
from tests.signaling.web import School

TODAY = date(2026, 3, 1)
KEYS = LinkKeys(b"s" * 32, [ipaddress.ip_network("10.1.2.0/24"), ipaddress.ip_network("fd00:1::/64")])


# ---------------------------------------------------------------- who shares a link


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7", "::ffff:203.0.113.7"),
        ("2001:db8:1:2::5", "2001:db8:1:2:ffff::9"),
        ("10.9.9.9", "10.9.9.9"),
    ],
)
def test_the_same_link(one: str, other: str) -> None:
    assert KEYS.of(one) == KEYS.of(other) != ""


@pytest.mark.parametrize(
    ("one", "other"), [("203.0.113.7", "203.0.113.8"), ("2001:db8:1:2::5", "2001:db8:1:3::5"), ("10.9.9.9", "10.9.9.8")]
)
def test_other_links(one: str, other: str) -> None:
    assert KEYS.of(one) != KEYS.of(other)


@pytest.mark.parametrize(
    "remote",
    ["127.0.0.1", "::1", "10.1.2.3", "::ffff:10.1.2.3", "fd00:1::7", "fe80::1%eth0", "169.254.1.1", "", "x", None],
)
def test_no_thin_link_between(remote: str | None) -> None:
    assert KEYS.of(remote) == ""


def test_a_declared_school_is_the_link_whatever_the_address() -> None:
    assert KEYS.of("203.0.113.7", "Хандыга СОШ") == KEYS.of("127.0.0.1", " хандыга  сош") != ""
    assert KEYS.of("203.0.113.7", "Хандыга СОШ") != KEYS.of("203.0.113.7", "Тикси №1")
    assert KEYS.of("203.0.113.7", "203.0.113.7") != KEYS.of("203.0.113.7")


def test_a_key_says_nothing_of_its_address() -> None:
    assert LinkKeys(b"t" * 32).of("203.0.113.7") != KEYS.of("203.0.113.7")
    assert "203" not in KEYS.of("203.0.113.7")


# ---------------------------------------------------------------- what it has proven


def test_a_link_that_nobody_knows() -> None:
    memory = LinkMemory()
    assert memory.start_bps("", "a", 0.0) == 0
    assert memory.start_bps("school", "a", 0.0) == 0


def test_the_next_viewer_begins_with_most_of_what_was_proven() -> None:
    memory = LinkMemory()
    memory.observe("school", "a", 1_000_000, 900_000, 10.0)
    assert memory.start_bps("school", "b", 100.0) == 700_000
    assert memory.start_bps("elsewhere", "b", 100.0) == 0
    assert memory.take_changed() == {"school": 1_000_000}
    assert memory.take_changed() == {}


def test_a_class_that_comes_at_once_shares_it() -> None:
    memory = LinkMemory()
    memory.remember({"school": 1_000_000})
    assert [memory.start_bps("school", f"p{n}", 0.0) for n in range(4)] == [700_000, 350_000, 233_333, 175_000]


def test_viewers_of_one_link_prove_their_sum() -> None:
    memory = LinkMemory()
    for peer in ("a", "b"):
        memory.observe("school", peer, 400_000, 350_000, 1.0)
    assert memory.take_changed() == {"school": 800_000}


def test_little_traffic_proves_nothing() -> None:
    memory = LinkMemory()
    memory.observe("school", "a", 900_000, 40_000, 1.0)
    assert memory.take_changed() == {}
    memory.observe("thin", "a", 90_000, 80_000, 1.0)
    assert memory.take_changed() == {"thin": 90_000}
    memory.observe("fast", "a", 9_000_000, 1_500_000, 1.0)
    assert memory.take_changed() == {"fast": 3_000_000}


def test_a_link_that_has_become_worse_is_believed_after_some_minutes() -> None:
    memory = LinkMemory()
    memory.remember({"school": 2_000_000})
    now = 0.0
    while now < 2 * WINDOW_S + 10:
        memory.observe("school", "a", 400_000, 390_000, now)
        now += 2.0
        if now < WINDOW_S / 2:
            assert memory.take_changed() == {}
    assert memory.take_changed() == {"school": 400_000}


def test_a_start_is_not_reckless_and_memory_is_bounded() -> None:
    memory = LinkMemory()
    memory.observe("fibre", "a", 90_000_000, 80_000_000, 1.0)
    assert memory.start_bps("fibre", "b", 60.0) == START_MOST_BPS
    for n in range(LINKS_MAX + 50):
        memory.observe(f"link{n}", "a", 400_000, 400_000, 1.0)
    assert len(memory.take_changed()) == LINKS_MAX


# ---------------------------------------------------------------- how it is kept


async def test_it_is_kept_for_a_month(school: School) -> None:
    capacities = LinkCapacities(school.sessions)
    await capacities.keep({"old": 1, "older": 2}, TODAY - timedelta(days=KEPT_DAYS))
    await capacities.keep({"new": 300_000, "old": 400_000}, TODAY)
    await capacities.keep({"new": 200_000}, TODAY + timedelta(days=1))
    assert await capacities.all(TODAY) == {"old": 400_000, "new": 200_000}
    assert await capacities.all(TODAY + timedelta(days=KEPT_DAYS)) == {"new": 200_000}


async def test_only_so_many_are_kept(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("school.link_capacity.LINKS_MAX", 2)
    capacities = LinkCapacities(school.sessions)
    for day, link in enumerate(("a", "b", "c")):
        await capacities.keep({link: 1}, TODAY + timedelta(days=day))
    assert set(await capacities.all(TODAY)) == {"b", "c"}
