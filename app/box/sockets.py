"""How many bytes a process has sent over its TCP connections, as the kernel counts them."""

from __future__ import annotations

import os
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
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
_ACKNOWLEDGED_AT = 120
"""In the kernel's tcp_info, since 4.1."""
_PATIENCE_S = 1.0


def bytes_sent(pid: int) -> Counter[Address] | None:
    """By IPv4 address of the other end: what it has acknowledged; None where this box does not tell.

    Connections that are closed do not count any more.
    """
    ours = _sockets_of(pid)
    if ours is None:
        return None
    sent = Counter[Address]()
    try:
        for address, inode, acknowledged in _connections():
            if inode in ours:
                sent[address] += acknowledged
    except (OSError, struct.error):
        return None
    return sent


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


def _connections() -> Iterator[tuple[Address, int, int]]:
    """Every established IPv4 connection of this box: its other end, its inode, the bytes acknowledged."""
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
                yield Address(socket.inet_ntoa(host), port), inode, _acknowledged(body)


def _messages(answer: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _HEADER.size <= len(answer):
        length, kind, *_ = _HEADER.unpack_from(answer, at)
        if length < _HEADER.size:
            return
        yield kind, answer[at + _HEADER.size : at + length]
        at += (length + 3) & ~3


def _acknowledged(body: bytes) -> int:
    at = _ATTRIBUTES_AT
    while at + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, at)
        value = at + _ATTRIBUTE.size
        if kind == _TELL_INFO and length >= _ACKNOWLEDGED_AT + 8 + _ATTRIBUTE.size:
            return int(struct.unpack_from("=Q", body, value + _ACKNOWLEDGED_AT)[0])
        at += max(_ATTRIBUTE.size, (length + 3) & ~3)
    return 0
