"""What a process has sent over its TCP connections, and what held that up, as the kernel counts it."""

from __future__ import annotations

import os
import socket
import struct
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.text.address import Address

_DIAG, _BY_FAMILY, _REQUEST_DUMP = 4, 20, 0x301
_ERROR, _DONE = 2, 3
_TELL_INFO = 2
"""Both the attribute asked for and, as a mask, the request for it."""
_ESTABLISHED = 1 << 1
_HEADER = struct.Struct("=IHHII")
_ASKED = struct.Struct("=BBBxI48x")
_SOCKET = struct.Struct("!4x2xH16x4s12x")
"""Of an answer: the port and IPv4 address of the other end."""
_INODE_AT, _ATTRIBUTES_AT = 68, 72
_ATTRIBUTE = struct.Struct("=HH")
_INFO = struct.Struct("=120xQ16xI20xQQ")
"""Of tcp_info (include/uapi/linux/tcp.h), since Linux 4.10: bytes_acked, notsent_bytes, busy_time and
rwnd_limited, the last two in microseconds."""
_PER_SECOND = 1_000_000
_PATIENCE_S = 1.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the connections of a process to one other end have carried since they were made."""

    acknowledged_bytes: int = 0
    """Received by the box at the other end."""
    unsent_bytes: int = 0
    """Given to the kernel by now, which could not put it on the wire yet."""
    busy_s: float = 0.0
    """How long there was something to send, or on its way."""
    refused_s: float = 0.0
    """How long of that the other end had no room: its program did not take what it had."""

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(
            self.acknowledged_bytes + other.acknowledged_bytes,
            self.unsent_bytes + other.unsent_bytes,
            self.busy_s + other.busy_s,
            self.refused_s + other.refused_s,
        )


def traffic_of(pid: int) -> dict[Address, Traffic] | None:
    """By IPv4 address of the other end; None where this box does not tell.

    Connections that are closed do not count any more.
    """
    ours = _sockets_of(pid)
    if ours is None:
        return None
    found = defaultdict[Address, Traffic](Traffic)
    try:
        for address, inode, traffic in _connections():
            if inode in ours:
                if traffic is None:
                    return None
                found[address] += traffic
    except (OSError, struct.error):
        return None
    return dict(found)


def _sockets_of(pid: int) -> set[int] | None:
    found = set[int]()
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                target = os.readlink(descriptor)
                if target.startswith("socket:["):
                    found.add(int(target[8:-1]))
    except OSError:
        return None
    return found


def _connections() -> Iterator[tuple[Address, int, Traffic | None]]:
    """Every established IPv4 connection of this box: its other end, its inode, what it has carried."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _DIAG) as kernel:
        kernel.settimeout(_PATIENCE_S)
        asked = _ASKED.pack(socket.AF_INET, socket.IPPROTO_TCP, _TELL_INFO, _ESTABLISHED)
        kernel.send(_HEADER.pack(_HEADER.size + len(asked), _BY_FAMILY, _REQUEST_DUMP, 1, 0) + asked)
        while True:
            for kind, body in _messages(kernel.recv(1 << 16)):
                if kind in (_ERROR, _DONE):
                    return
                port, host = _SOCKET.unpack_from(body)
                inode = struct.unpack_from("=I", body, _INODE_AT)[0]
                yield Address(socket.inet_ntoa(host), port), inode, _traffic(body)


def _messages(answer: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _HEADER.size <= len(answer):
        length, kind, *_ = _HEADER.unpack_from(answer, at)
        if length < _HEADER.size:
            return
        yield kind, answer[at + _HEADER.size : at + length]
        at += (length + 3) & ~3


def _traffic(body: bytes) -> Traffic | None:
    """None where the kernel is too old to tell all of it."""
    at = _ATTRIBUTES_AT
    while at + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, at)
        if kind == _TELL_INFO and length >= _ATTRIBUTE.size + _INFO.size:
            acknowledged, unsent, busy, refused = _INFO.unpack_from(body, at + _ATTRIBUTE.size)
            return Traffic(acknowledged, unsent, busy / _PER_SECOND, refused / _PER_SECOND)
        at += max(_ATTRIBUTE.size, (length + 3) & ~3)
    return None
