"""Batches of UDP datagrams: `recvmmsg` and `sendmmsg` over fixed slabs, with segmentation offload (UDP_SEGMENT).

Everything is positional: slabs, io vectors and message headers are laid out once; a batch only writes lengths and
destination pointers. The owner keeps the arrays alive as long as the kernel may read them (each call is synchronous).
The struct layouts are those of 64-bit little-endian Linux.
"""

from __future__ import annotations

import errno
import socket
import struct
from typing import Any, Final

import cffi
import numpy as np
import numpy.typing as npt

from streaming.wire.slab import PACKET_BYTES, packet_slab

ffi = cffi.FFI()
ffi.cdef(
    """
    int recvmmsg(int fd, void *messages, unsigned int count, int flags, void *timeout);
    int sendmmsg(int fd, void *messages, unsigned int count, int flags);
    ssize_t sendto(int fd, void *data, size_t length, int flags, void *address, unsigned int address_length);
    """
)
libc: Any = ffi.dlopen(None)

IOVEC: Final = np.dtype([("base", "u8"), ("length", "u8")])
MMSGHDR: Final = np.dtype(
    {
        "names": ["name", "name_length", "iov", "iov_count", "control", "control_length", "flags", "length"],
        "formats": ["u8", "u4", "u8", "u8", "u8", "u8", "i4", "u4"],
        "offsets": [0, 8, 16, 24, 32, 40, 48, 56],
        "itemsize": 64,
    }
)
SOCKADDR_BYTES: Final = 28
"""struct sockaddr_in6; IPv4 peers appear as v4-mapped addresses of one dual-stack socket."""
RECEIVE_BATCH: Final = 64
MSG_DONTWAIT: Final = 0x40
SOL_UDP: Final = 17
UDP_SEGMENT: Final = 103
SOCKET_BUFFER_BYTES: Final = 8 << 20

Key = bytes
"""An address as the kernel writes it (struct sockaddr_in6, 28 bytes): dictionary key and destination at once."""


def address_key(host: str, port: int) -> Key:
    """The kernel's form of an IPv4 or IPv6 address. Raises OSError for anything else."""
    if ":" not in host:
        host = f"::ffff:{host}"
    packed = socket.inet_pton(socket.AF_INET6, host)
    return struct.pack("=H", socket.AF_INET6) + struct.pack("!HI", port, 0) + packed + bytes(4)


def address_tuple(key: Key) -> tuple[str, int]:
    """Host and port of an address key; v4-mapped addresses come back as IPv4."""
    (port,) = struct.unpack_from("!H", key, 2)
    packed = key[8:24]
    if packed[:12] == b"\0" * 10 + b"\xff\xff":
        return socket.inet_ntop(socket.AF_INET, packed[12:]), port
    return socket.inet_ntop(socket.AF_INET6, packed), port


def bind_udp(host: str, port: int) -> socket.socket:
    """A non-blocking dual-stack socket with large buffers. `host` "" listens on every address. Raises OSError."""
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
        for forced in (33, 32):  # SO_RCVBUFFORCE, SO_SNDBUFFORCE: past the system's limit where we may
            try:
                sock.setsockopt(socket.SOL_SOCKET, forced, SOCKET_BUFFER_BYTES)
            except PermissionError:
                break
        if host and ":" not in host:
            host = f"::ffff:{host}"
        sock.bind((host or "::", port))
    except BaseException:
        sock.close()
        raise
    return sock


def send_datagram(sock: socket.socket, data: bytes, key: Key) -> bool:
    """Send one datagram to an address as the kernel writes it; False when the kernel did not take it."""
    sent: int = libc.sendto(
        sock.fileno(), ffi.from_buffer(data), len(data), MSG_DONTWAIT, ffi.from_buffer(key), len(key)
    )
    return sent >= 0


class ReceiveBatch:
    """Up to `RECEIVE_BATCH` datagrams at a time into one slab; each call overwrites the last."""

    def __init__(self, sock: socket.socket) -> None:
        self._fd = sock.fileno()
        self.slab = packet_slab(RECEIVE_BATCH)
        self._names = np.zeros(RECEIVE_BATCH * SOCKADDR_BYTES, np.uint8)
        self._iovecs = np.zeros(RECEIVE_BATCH, IOVEC)
        self._iovecs["base"] = self.slab.ctypes.data + np.arange(RECEIVE_BATCH) * PACKET_BYTES
        self._iovecs["length"] = PACKET_BYTES
        self._messages = np.zeros(RECEIVE_BATCH, MMSGHDR)
        self._messages["name"] = self._names.ctypes.data + np.arange(RECEIVE_BATCH) * SOCKADDR_BYTES
        self._messages["name_length"] = SOCKADDR_BYTES
        self._messages["iov"] = self._iovecs.ctypes.data + np.arange(RECEIVE_BATCH) * IOVEC.itemsize
        self._messages["iov_count"] = 1
        self._name_lengths, self._lengths = self._messages["name_length"], self._messages["length"]
        self._keys = self._names.view(f"V{SOCKADDR_BYTES}")
        self._pointer = ffi.cast("void *", self._messages.ctypes.data)

    def receive(self) -> list[tuple[int, Key]]:
        """Length and sender of each datagram now in the slab, row by row; empty when the socket has none."""
        count = libc.recvmmsg(self._fd, self._pointer, RECEIVE_BATCH, MSG_DONTWAIT, ffi.NULL)
        if count <= 0:
            return []
        self._name_lengths[:count] = SOCKADDR_BYTES
        return list(zip(self._lengths[:count].tolist(), self._keys[:count].tolist(), strict=True))


class SendBatch:
    """`slots` packets laid out one after the other, sent by one `sendmmsg`.

    Fill `packets[:count]`, `lengths[:count]` and the destination pointers `names[:count]` (each the address of a
    sockaddr_in6 that the caller keeps alive), then `send(0, count)`. With `send_segmented` the packets of one
    destination, adjacent in the slab and of equal length (the last may be shorter), leave as one UDP_SEGMENT message.
    """

    def __init__(self, sock: socket.socket, slots: int) -> None:
        self._fd = sock.fileno()
        self.slots = slots
        self.packets = packet_slab(slots)
        self._iovecs = np.zeros(slots, IOVEC)
        self._iovecs["base"] = self.packets.ctypes.data + np.arange(slots) * PACKET_BYTES
        self.lengths = self._iovecs.view(np.int32).reshape(slots, 4)[:, 2]  # the low half of iov_len
        self._messages = np.zeros(slots, MMSGHDR)
        self._messages["name_length"] = SOCKADDR_BYTES
        self._messages["iov"] = self._iovecs.ctypes.data + np.arange(slots) * IOVEC.itemsize
        self._messages["iov_count"] = 1
        self.names = self._messages["name"]
        self._control = np.zeros(24, np.uint8)
        self._control[:16].view("u8")[0] = 18  # cmsg_len: header and one u16
        self._control[8:16].view("i4")[:] = (SOL_UDP, UDP_SEGMENT)
        self._segment_size = self._control[16:18].view("u2")
        self._segmented: dict[int, npt.NDArray[np.void]] = {}  # by packets of a message
        self._message_pointer = ffi.cast("char *", self._messages.ctypes.data)
        self.segmentation = True
        """False once the kernel or the network card has refused UDP_SEGMENT."""

    def send(self, first: int, end: int) -> int:
        """Send packets `first` … `end - 1`; returns how many the kernel took. The rest is dropped, never waited for."""
        return self._send_all(self._message_pointer, first, end)

    def send_segmented(self, names: npt.NDArray[np.uint64], per_row: int, segment_bytes: int) -> int:
        """Send a message of `per_row` packets to each destination of `names`; returns how many packets the kernel
        took."""
        messages = self._segmented.get(per_row)
        if messages is None:
            messages = self._segmented[per_row] = self._lay_out_segmented(per_row)
        rows = len(names)
        self._segment_size[0] = segment_bytes
        messages["name"][:rows] = names
        sent = self._send_all(ffi.cast("char *", messages.ctypes.data), 0, rows)
        if sent < rows and ffi.errno in {errno.EIO, errno.EINVAL, errno.EOPNOTSUPP}:
            self.segmentation = False
        return sent * per_row

    def _lay_out_segmented(self, per_row: int) -> npt.NDArray[np.void]:
        """Headers of messages of `per_row` adjacent packets each."""
        count = self.slots // per_row
        messages = np.zeros(count, MMSGHDR)
        messages["name_length"] = SOCKADDR_BYTES
        messages["iov"] = self._iovecs.ctypes.data + np.arange(count) * (per_row * IOVEC.itemsize)
        messages["iov_count"] = per_row
        messages["control"] = self._control.ctypes.data
        messages["control_length"] = 24
        return messages

    def _send_all(self, messages: Any, first: int, end: int) -> int:
        position, taken = first, 0
        while position < end:
            pointer = messages + position * MMSGHDR.itemsize
            sent: int = libc.sendmmsg(self._fd, pointer, end - position, MSG_DONTWAIT)
            if sent > 0:
                position += sent
                taken += sent
            elif ffi.errno in {errno.EAGAIN, errno.ENOBUFS}:
                break
            else:  # one refused destination must not cost the others their packet
                position += 1
        return taken
