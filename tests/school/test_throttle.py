from __future__ import annotations

from school.errors import TooManyGuesses
from school.throttle import FREE_FAILURES, MAX_DELAY_S, MAX_KEYS, GuessThrottle


def wait_s(throttle: GuessThrottle, key: str, now: float) -> float:
    try:
        throttle.check([key], now)
    except TooManyGuesses as refused:
        return refused.retry_after_s
    return 0.0


def test_the_wait_doubles_up_to_a_bound() -> None:
    throttle = GuessThrottle()
    waits = []
    for _ in range(100):
        throttle.failed(["a"], 0.0)
        waits.append(wait_s(throttle, "a", 0.0))
    assert waits[: FREE_FAILURES + 3] == [0, 0, 0, 0, 2, 4, 8, 16]
    assert waits[-1] == MAX_DELAY_S
    assert wait_s(throttle, "a", MAX_DELAY_S) == 0
    assert wait_s(throttle, "b", 0.0) == 0


def test_success_and_time_forget_failures() -> None:
    throttle = GuessThrottle()
    for _ in range(FREE_FAILURES):
        throttle.failed(["a", "b"], 0.0)
    throttle.succeeded(["a"])
    assert wait_s(throttle, "a", 0.0) == 0
    throttle.failed(["b"], 4000.0)
    assert wait_s(throttle, "b", 4000.0) == 0


def test_memory_is_bounded() -> None:
    throttle = GuessThrottle()
    for _ in range(FREE_FAILURES):
        throttle.failed(["first"], 0.0)
    throttle.failed([f"key {n}" for n in range(MAX_KEYS)], 1.0)
    assert wait_s(throttle, "first", 1.0) == 0
    for _ in range(FREE_FAILURES):
        throttle.failed(["last"], 1.0)
    assert wait_s(throttle, "last", 1.0) > 0
