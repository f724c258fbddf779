"""Bytes that a process has sent, on real connections."""

from __future__ import annotations

import os
import socket

from app.box.sockets import bytes_sent
from app.text.address import Address
from tests.support.waiting import until


def sent_to(receiver: Address) -> int:
    sent = bytes_sent(os.getpid())
    assert sent is not None
    return sent[receiver]


async def test_what_was_sent_is_counted_by_its_receiver() -> None:
    with socket.create_server(("127.0.0.9", 0)) as server:
        receiver = Address(*server.getsockname())
        with (
            socket.create_connection(server.getsockname()) as first,
            socket.create_connection(server.getsockname()),
        ):
            first.sendall(b"x" * 50_000)
            await until(lambda: sent_to(receiver) >= 50_000)
            assert sent_to(receiver) <= 50_010


def test_a_process_that_is_not_there_has_no_connections() -> None:
    assert bytes_sent(2**22 + 1) is None
