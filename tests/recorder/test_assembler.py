"""From a publisher's packets to pictures and sound that a player shows: every frame and every beep accounted for."""

from __future__ import annotations

import pytest

from tests.recorder import lesson
from tests.recorder.lesson import FPS
from tests.recorder.watching import assemble, beeps, check_order, inits, pictures, segments

SIZES = ((160, 90), (320, 180))
CODECS = {"vp9": "vp09.00.1", "h264": "avc1.42c0", "av1": "av01.0.", "vp8": "vp08.00.10.08"}


@pytest.mark.parametrize("codec", CODECS)
def test_every_frame_and_beep(codec: str) -> None:
    made = assemble(lesson.plain(14, SIZES, codec=codec))
    check_order(made, 9.0)
    for encoding, (width, height) in enumerate(SIZES):
        seen = pictures(made, encoding=encoding)
        assert [each.number for each in seen] == list(range(14 * FPS))
        assert [each.start_s for each in segments(made, "teacher_video", encoding)] == pytest.approx(
            [0, 6, 12], abs=0.1
        )
        (init,) = inits(made, "teacher_video", encoding)
        assert (init.width, init.height) == (width, height)
        assert init.codecs.startswith(CODECS[codec])
        offset = seen[0].at
        assert [each.at - offset for each in seen] == pytest.approx([each.number / FPS for each in seen], abs=0.01)
    heard = beeps(made)
    assert [each.number for each in heard] == list(range(1, 14))
    for beep in heard:
        assert beep.at - seen[beep.number * FPS].at == pytest.approx(0, abs=0.04)
