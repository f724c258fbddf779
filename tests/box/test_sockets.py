"""What a process has sent and what held it up, on real connections."""

from __future__ import annotations

import os
import socket

from app.box.sockets import Traffic, traffic_of
from app.text.address import Address
from tests.support.waiting import until


def traffic_to(receiver: Address) -> Traffic:
    traffic = traffic_of(os.getpid())
    assert traffic is not None
    return traffic.get(receiver, Traffic())


async def test_what_was_sent_is_counted_by_its_receiver() -> None:
    with socket.create_server(("127.0.0.9", 0)) as server:
        receiver = Address(*server.getsockname())
        with (
            socket.create_connection(server.getsockname()) as first,
            socket.create_connection(server.getsockname()),
        ):
            first.sendall(b"x" * 50_000)
            await until(lambda: traffic_to(receiver).acknowledged_bytes >= 50_000)
            assert traffic_to(receiver).acknowledged_bytes <= 50_010
            assert traffic_to(receiver).unsent_bytes == 0


async def test_a_receiver_that_takes_nothing_is_seen_to_refuse() -> None:
    with socket.create_server(("127.0.0.9", 0)) as server:
        receiver = Address(*server.getsockname())
        with socket.create_connection(server.getsockname()) as sender:
            sender.setblocking(False)

            def fill() -> bool:
                try:
                    sender.send(b"x" * 1_000_000)
                except BlockingIOError:
                    return traffic_to(receiver).unsent_bytes > 0
                return False

            await until(fill)
            await until(lambda: traffic_to(receiver).refused_s > 0.05)
            seen = traffic_to(receiver)
            assert seen.busy_s >= seen.refused_s


def test_a_process_that_is_not_there_has_no_connections() -> None:
    assert traffic_of(2**22 + 1) is None
