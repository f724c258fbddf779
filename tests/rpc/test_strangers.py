"""Programs that are no RPC servers are named where they give themselves away."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.rpc.strangers import describe_stranger


@pytest.mark.parametrize(
    ("heard", "named"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "an HTTP server answers there"),
        (b"HTTP/1.0", "an HTTP server answers there"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "an SSH server answers there"),
        (b"\x15\x03\x01\x00\x02\x02\x0a", "a TLS server answers there"),
        (b"220 mail ESMTP\r\n", "another program answers there: '220 mail ESMTP\\r\\n'"),
    ],
)
def test_first_words(heard: bytes, named: str) -> None:
    assert describe_stranger(heard) == named


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_nothing_that_a_stranger_says_reaches_the_terminal_raw(heard: bytes) -> None:
    said = describe_stranger(heard)
    assert said.isascii()
    assert said.isprintable()
    assert len(said) < 160
