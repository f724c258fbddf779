"""The bytes on the wire: those of real servers, and everything that is none of theirs."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.rpc.protocol import (
    DEVICE_COUNT,
    HEADER_BYTES,
    HELLO,
    MAX_DEVICES,
    OLD_HELLO,
    Exchange,
    Memory,
    WireError,
    device_memory,
    tells_device_count,
)
from app.text.version import ProtocolVersion

V2, V3, V7 = ProtocolVersion(2, 0, 0), ProtocolVersion(3, 0, 0), ProtocolVersion(7, 0, 0)
EXCHANGES: list[Exchange[Any]] = [HELLO, OLD_HELLO, DEVICE_COUNT, device_memory(0, V7), device_memory(0, V2)]

u8, u32, u64 = (st.integers(0, 2**bits - 1) for bits in (8, 32, 64))
exchanges = st.sampled_from(EXCHANGES)


def header(length: int) -> bytes:
    return struct.pack("<Q", length)


def test_requests_are_those_of_a_real_client() -> None:
    assert HELLO.request == bytes.fromhex("0e 1800000000000000") + bytes(24)
    assert OLD_HELLO.request == bytes.fromhex("0e 0000000000000000")
    assert DEVICE_COUNT.request == bytes.fromhex("0f 0000000000000000")
    assert device_memory(3, V3).request == bytes.fromhex("0b 0400000000000000 03000000")
    assert device_memory(0, V2).request == bytes.fromhex("0b 0000000000000000")


def test_replies_of_real_servers_are_understood() -> None:
    HELLO.check_header(bytes.fromhex("1c00000000000000"))
    assert HELLO.decode(bytes.fromhex("07000000") + bytes(24)) == V7
    assert HELLO.decode(bytes.fromhex("08000000") + bytes(20) + bytes.fromhex("04000000")) == (8, 0, 0)
    assert DEVICE_COUNT.decode(bytes.fromhex("01000000")) == 1
    memory = device_memory(0, V7)
    memory.check_header(bytes.fromhex("1000000000000000"))
    assert memory.decode(bytes.fromhex("00d098e205000000 00d098e205000000")) == Memory(
        25276502016, 25276502016
    )


@pytest.mark.parametrize(("protocol", "known"), [(V2, False), (V3, True), (V7, True)])
def test_device_count_came_with_protocol_3(protocol: ProtocolVersion, known: bool) -> None:
    assert tells_device_count(protocol) is known


@given(device=u32, protocol=st.builds(ProtocolVersion, u8, u8, u8))
@settings(deadline=None)
def test_the_length_of_every_request_is_true(device: int, protocol: ProtocolVersion) -> None:
    for exchange in (*EXCHANGES, device_memory(device, protocol)):
        (length,) = struct.unpack_from("<Q", exchange.request, 1)
        assert len(exchange.request) == 1 + HEADER_BYTES + length


@given(u8, u8, u8, st.binary(min_size=25, max_size=25))
@settings(deadline=None)
def test_versions_survive_the_wire(major: int, minor: int, patch: int, rest: bytes) -> None:
    version = bytes([major, minor, patch])
    assert HELLO.decode(version + rest) == OLD_HELLO.decode(version) == (major, minor, patch)


@given(u64, u64)
@settings(deadline=None)
def test_memory_survives_the_wire(free: int, total: int) -> None:
    assert device_memory(0, V7).decode(struct.pack("<QQ", free, total)) == (free, total)


@given(u32)
@settings(deadline=None)
def test_counts_survive_the_wire_up_to_the_limit(count: int) -> None:
    payload = struct.pack("<I", count)
    if count <= MAX_DEVICES:
        assert DEVICE_COUNT.decode(payload) == count
    else:
        with pytest.raises(WireError, match=str(count)):
            DEVICE_COUNT.decode(payload)


@given(exchanges, u64)
@settings(deadline=None)
def test_a_header_is_right_or_refused(exchange: Exchange[Any], length: int) -> None:
    if length == exchange.reply_bytes:
        exchange.check_header(header(length))
    else:
        with pytest.raises(WireError, match=exchange.name):
            exchange.check_header(header(length))


@given(exchanges)
@settings(deadline=None)
def test_the_header_of_every_exchange_is_right(exchange: Exchange[Any]) -> None:
    exchange.check_header(header(exchange.reply_bytes))


@given(exchanges, st.binary(max_size=64))
@settings(deadline=None)
def test_any_bytes_are_decoded_or_refused(exchange: Exchange[Any], payload: bytes) -> None:
    if len(payload) == exchange.reply_bytes and exchange is not DEVICE_COUNT:
        exchange.decode(payload)
    elif len(payload) != exchange.reply_bytes:
        with pytest.raises(WireError):
            exchange.decode(payload)


@given(exchanges, st.binary(max_size=32).filter(lambda junk: len(junk) != HEADER_BYTES))
@settings(deadline=None)
def test_a_piece_of_a_header_is_no_header(exchange: Exchange[Any], junk: bytes) -> None:
    with pytest.raises(WireError):
        exchange.check_header(junk)


@given(exchanges, st.binary(min_size=8, max_size=8).filter(lambda junk: junk[2:] != bytes(6)))
@settings(deadline=None)
def test_messages_hold_no_control_characters(exchange: Exchange[Any], junk: bytes) -> None:
    with pytest.raises(WireError) as raised:
        exchange.check_header(junk)
    assert str(raised.value).isprintable()
