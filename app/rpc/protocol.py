"""The wire format of llama.cpp's RPC, as far as a probe needs it. No input or output happens here.

Source: ggml/src/ggml-rpc/ggml-rpc.cpp. A request is `u8 command | u64 length | payload`, a reply is
`u64 length | payload`; everything is little-endian and packed.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from app.text.version import ProtocolVersion

LENGTH = struct.Struct("<Q")
"""Every reply begins with the length of its payload."""
REPLY_LIMIT = 1024
"""No reply that a probe asks for is longer, in bytes; more is not RPC."""

_REQUEST = struct.Struct("<BQ")
_VERSION = struct.Struct("<BBB")
_COUNT = struct.Struct("<I")
_MEMORY = struct.Struct("<QQ")
_CAPABILITIES = bytes(24)
"""All zero: plain TCP, no RDMA offered."""
_HELLO_REPLY = 4 + len(_CAPABILITIES)


class Command(IntEnum):
    """The commands of a probe; none of them changes anything on the server."""

    GET_DEVICE_MEMORY = 11
    HELLO = 14
    DEVICE_COUNT = 15


class WireError(Exception):
    """Bytes that are no reply of an RPC server."""


def hello() -> bytes:
    """HELLO as servers from 4.0.0 on want it: with the client's 24 capability bytes."""
    return _request(Command.HELLO, _CAPABILITIES)


def old_hello() -> bytes:
    """HELLO as servers from 1.0.0 to 3.x want it: empty."""
    return _request(Command.HELLO)


def device_count() -> bytes:
    """DEVICE_COUNT; there from 3.0.0 on."""
    return _request(Command.DEVICE_COUNT)


def device_memory(device: int) -> bytes:
    """GET_DEVICE_MEMORY of one device, as servers from 3.0.0 on want it."""
    return _request(Command.GET_DEVICE_MEMORY, _COUNT.pack(device))


def only_device_memory() -> bytes:
    """GET_DEVICE_MEMORY as servers before 3.0.0 want it: they have one device, and it is not named."""
    return _request(Command.GET_DEVICE_MEMORY)


def reply_length(prefix: bytes) -> int:
    """Length of the payload that follows `prefix`, in bytes.

    Raises:
        WireError: longer than any reply of a probe.
    """
    (length,) = LENGTH.unpack(prefix)
    if length > REPLY_LIMIT:
        raise WireError(f"a reply of {length} bytes")
    return int(length)


def read_hello(payload: bytes) -> ProtocolVersion:
    """The server's version, from the new reply (28 bytes) or the old one (3 bytes)."""
    if len(payload) not in (_VERSION.size, _HELLO_REPLY):
        raise WireError(f"a HELLO reply of {len(payload)} bytes")
    return ProtocolVersion(*_VERSION.unpack_from(payload))


def read_device_count(payload: bytes) -> int:
    """How many devices the server has."""
    if len(payload) != _COUNT.size:
        raise WireError(f"a DEVICE_COUNT reply of {len(payload)} bytes")
    (count,) = _COUNT.unpack(payload)
    return int(count)


def read_device_memory(payload: bytes) -> tuple[int, int]:
    """Free and total memory of a device, in bytes."""
    if len(payload) != _MEMORY.size:
        raise WireError(f"a GET_DEVICE_MEMORY reply of {len(payload)} bytes")
    free, total = _MEMORY.unpack(payload)
    return int(free), int(total)


def _request(command: Command, payload: bytes = b"") -> bytes:
    return _REQUEST.pack(command, len(payload)) + payload
