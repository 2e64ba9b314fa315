"""The floor beside which forwarding is measured: bare copy, AES-GCM and `sendmmsg` in C, of the same packets."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any, Final

import cffi
import numpy as np

from streaming.net.datagrams import address_key

_SOURCE = Path(__file__).with_name("floor.c")
HEADER_BYTES: Final = 24
_BUILT = Path(__file__).parent.parent / "build" / "bench" / "floor.so"


def _library(ffi: cffi.FFI) -> Any:
    compiler = shutil.which("cc")
    if compiler is None:
        raise SystemExit("The benchmark's floor needs a C compiler (Debian: apt-get install gcc).")
    if not _BUILT.exists() or _BUILT.stat().st_mtime < _SOURCE.stat().st_mtime:
        _BUILT.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [compiler, "-O2", "-shared", "-fPIC", "-o", str(_BUILT), str(_SOURCE), "-l:libcrypto.so.3"], check=True
        )
    return ffi.dlopen(str(_BUILT))


class Floor:
    """Sends to `addresses` from `sock`."""

    def __init__(self, sock: socket.socket, addresses: list[tuple[str, int]]) -> None:
        ffi = cffi.FFI()
        ffi.cdef(
            """
            void *floor_new(int fd, int viewers, const void *addresses);
            void floor_free(void *floor);
            int64_t floor_send(void *floor, const unsigned char *packet, int packets, int size);
            """
        )
        self._library = _library(ffi)
        keys = np.frombuffer(b"".join(address_key(*address) for address in addresses), np.uint8)
        self._floor = self._library.floor_new(sock.fileno(), len(addresses), ffi.cast("void *", keys.ctypes.data))
        self._ffi = ffi
        self._packet = ffi.new("unsigned char[]", bytes(1536))
        self.viewers = len(addresses)
        self.cpu_ns = 0
        self.packets = 0

    def send(self, packets: int, size: int) -> None:
        """`packets` packets of `size` bytes, the 24-byte header included, to every viewer."""
        self.cpu_ns += self._library.floor_send(self._floor, self._packet, packets, size)
        self.packets += packets * self.viewers

    def relay(self, datagram: bytes) -> None:
        """A packet as long as `datagram` to every viewer; its first bytes stay as they are, in the clear."""
        self._ffi.memmove(self._packet, datagram, HEADER_BYTES)
        self.send(1, len(datagram))

    @property
    def us_per_packet(self) -> float:
        return self.cpu_ns / 1000 / max(1, self.packets)

    def close(self) -> None:
        self._library.floor_free(self._floor)
