"""The part of llama.cpp's RPC protocol that a probe speaks: values to bytes and back, without any I/O.

    request :  u8 command | u64 length | payload
    reply   :  u64 length | payload

Little-endian and packed (`ggml/src/ggml-rpc/ggml-rpc.cpp`). HELLO is the first command on every connection.
It took no payload before protocol 4; since then it takes 24 bytes of transport capabilities, where zeros mean
plain TCP. Before protocol 3 a server had one device, and took no device index.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, NamedTuple, TypeVar

from app.text.version import ProtocolVersion

HEADER_BYTES = 8
"""Size of the length that every reply starts with."""
MAX_REPLY_BYTES = 1024
"""A header that announces more than this is no length: it is some other program's text."""
MAX_DEVICES = 64
"""More devices than this are no count of devices; ggml itself schedules at most 16."""

_CAPABILITY_BYTES = 24
_SEVERAL_DEVICES_SINCE = ProtocolVersion(3, 0, 0)

Reply = TypeVar("Reply")


class WireError(Exception):
    """Bytes that no RPC server sends; the message is a clause that says why."""


class Command(IntEnum):
    """The commands of a probe; each asks, and none changes anything in the server."""

    GET_DEVICE_MEMORY = 11
    HELLO = 14
    DEVICE_COUNT = 15


class Memory(NamedTuple):
    """Memory of one device, in bytes, as the server reports it."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Exchange(Generic[Reply]):
    """One request, and the one form that its reply may have."""

    name: str
    request: bytes
    reply_bytes: int
    """Exact size of the reply's payload."""
    read: Callable[[bytes], Reply]
    """Value of a payload of that size."""

    def check_header(self, header: bytes) -> None:
        """Make sure that the header of a reply announces a payload of the right size.

        Raises:
            WireError: it announces another one.
        """
        if len(header) != HEADER_BYTES:
            raise WireError(f"{len(header)} bytes are no header of a reply")
        (length,) = struct.unpack("<Q", header)
        if length > MAX_REPLY_BYTES:
            raise WireError(f"it answers {self.name} with {header.decode('latin-1')!a}")
        if length != self.reply_bytes:
            raise WireError(f"its reply to {self.name} has {length} bytes in place of {self.reply_bytes}")

    def decode(self, payload: bytes) -> Reply:
        """The value in the payload of a reply.

        Raises:
            WireError: the payload has another size, or holds what cannot be.
        """
        if len(payload) != self.reply_bytes:
            raise WireError(
                f"its reply to {self.name} has {len(payload)} bytes in place of {self.reply_bytes}"
            )
        return self.read(payload)


def device_memory(device: int, protocol: ProtocolVersion) -> Exchange[Memory]:
    """The question for the memory of one device, in the form that a server of `protocol` understands."""
    payload = struct.pack("<I", device) if protocol >= _SEVERAL_DEVICES_SINCE else b""
    return Exchange("GET_DEVICE_MEMORY", _request(Command.GET_DEVICE_MEMORY, payload), 16, _read_memory)


def tells_device_count(protocol: ProtocolVersion) -> bool:
    """Whether a server of `protocol` knows DEVICE_COUNT; one that does not has one device."""
    return protocol >= _SEVERAL_DEVICES_SINCE


def _request(command: Command, payload: bytes = b"") -> bytes:
    return struct.pack("<BQ", command, len(payload)) + payload


def _read_version(payload: bytes) -> ProtocolVersion:
    major, minor, patch = payload[:3]
    return ProtocolVersion(major, minor, patch)


def _read_count(payload: bytes) -> int:
    (count,) = struct.unpack("<I", payload)
    if count > MAX_DEVICES:
        raise WireError(f"it claims {count} devices")
    return int(count)


def _read_memory(payload: bytes) -> Memory:
    free, total = struct.unpack("<QQ", payload)
    return Memory(free, total)


HELLO = Exchange(
    "HELLO", _request(Command.HELLO, bytes(_CAPABILITY_BYTES)), 4 + _CAPABILITY_BYTES, _read_version
)
"""The handshake since protocol 4."""
OLD_HELLO = Exchange("HELLO", _request(Command.HELLO), 3, _read_version)
"""The handshake of the protocols 1 to 3."""
DEVICE_COUNT = Exchange("DEVICE_COUNT", _request(Command.DEVICE_COUNT), 4, _read_count)
"""How many devices the server has; since protocol 3."""
