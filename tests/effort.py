"""How much work an input may cause. Counted is the CPU of this thread; the garbage of other tests is left out."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

SLOWEST_S = 0.05
"""What any one input may take."""


@contextmanager
def little_effort(at_most_s: float = SLOWEST_S) -> Iterator[None]:
    gc.disable()
    began = time.thread_time()
    try:
        yield
        assert time.thread_time() - began < at_most_s
    finally:
        gc.enable()
