from __future__ import annotations

import contextlib
import socket

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.text.address import Address, AddressProblem, parse_address, parse_node_url, parse_port


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.1", Address("10.0.0.1", 50052)),
        ("10.0.0.1:1", Address("10.0.0.1", 1)),
        (" Worker-1.local:65535 ", Address("worker-1.local", 65535)),
        ("rpc://a:2/", Address("a", 2)),
        ("my_box", Address("my_box", 50052)),
        ("a.", Address("a.", 50052)),
        (f"{'a' * 63}.b", Address(f"{'a' * 63}.b", 50052)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":1",
        "a:",
        "a:0",
        "a:65536",
        "a:-1",
        "a:1:2",
        "[::1]:1",
        "::1",
        "a b",
        "10.0.0",
        "10.0.0.256",
        "-a",
        "a/b",
        "a..b",
        ".a",
        "a.-b",
        "a" * 64,
        f"{'a' * 63}." * 4,
        "rpc://rpc://a",
    ],
)
def test_no_addresses(text: str) -> None:
    with pytest.raises(AddressProblem) as problem:
        parse_address(text)
    assert problem.value.remedy


@given(st.text() | st.from_regex(r"[a-c.\-_0-9]{0,70}(:[0-9]{0,6})?", fullmatch=True))
@example("a..b")
@example("a" * 64)
def test_any_text_is_an_address_or_a_problem(text: str) -> None:
    try:
        address = parse_address(text)
    except AddressProblem as problem:
        assert_fits_in_a_line(problem)
        return
    assert parse_address(str(address)) == address
    # The resolver takes it; it refuses labels that are empty or too long with an error that is no OSError.
    with contextlib.suppress(socket.gaierror):
        socket.getaddrinfo(address.host, None, flags=socket.AI_NUMERICHOST)


def assert_fits_in_a_line(problem: AddressProblem) -> None:
    assert str(problem).isprintable()
    assert len(str(problem)) < 300


@pytest.mark.parametrize(
    ("port", "where", "sentence"),
    [
        (70000, "", "Port '70000' is not a number from 1 to 65535."),
        ("x", "a:x", "Port 'x' in 'a:x' is not a number from 1 to 65535. Write it as HOST:PORT."),
        (True, "", "Port 'True' is not a number from 1 to 65535."),
        ("\x1b[2J", "", "Port '\N{REPLACEMENT CHARACTER}[2J' is not a number from 1 to 65535."),
    ],
)
def test_a_bad_port_is_said_with_its_place(port: str | int, where: str, sentence: str) -> None:
    with pytest.raises(AddressProblem) as problem:
        parse_port(port, where)
    assert str(problem.value) == sentence


@given(st.integers(min_value=1, max_value=65535))
def test_every_port_is_one_as_number_and_as_text(port: int) -> None:
    assert parse_port(port) == parse_port(str(port)) == port


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("a", "http://a:11434"),
        ("a:1", "http://a:1"),
        (":1", "http://127.0.0.1:1"),
        ("http://a", "http://a:80"),
        ("https://a", "https://a:443"),
        ("https://a:1/path/", "https://a:1/path"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("[::1]:1", "http://[::1]:1"),
        ("[::]", "http://127.0.0.1:11434"),
        ('"a"', "http://a:11434"),
        ("HTTP://A", "http://a:80"),
        ("ollama.com", "https://ollama.com:443"),
        ("[0:0:0:0:0:0:0:0]", "http://127.0.0.1:11434"),
        ("[2001:DB8:0::1]", "http://[2001:db8::1]:11434"),
        ("[fe80::1%eth0]:1", "http://[fe80::1%eth0]:1"),
    ],
)
def test_node_urls(text: str, url: str) -> None:
    assert parse_node_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://a",
        "http://",
        "a:b",
        "a:70000",
        "a:",
        "::1",
        "[::1",
        "[]",
        "http://[x]:1",
        "[fe80::1%\x1b]",
        "a b",
        "a..b",
        "http://u:p@h:1",
        "http://a/b c",
        "http://a/?b",
        "http://a/#b",
        "http://a/%zz",
        "http://a/\x01",
        "http://a/é",
    ],
)
def test_no_node_urls(text: str) -> None:
    with pytest.raises(AddressProblem) as problem:
        parse_node_url(text)
    assert problem.value.remedy


@given(
    st.text()
    | st.text(alphabet="ahtp:/[]0123456789.@%'\"?# ")
    | st.builds(
        "{}{}{}".format,
        st.sampled_from(["", "http://", "https://"]),
        st.text(max_size=9),
        st.text(max_size=9),
    )
)
@example("http://a/b'/")
def test_any_text_is_a_node_or_a_problem(text: str) -> None:
    try:
        url = parse_node_url(text)
    except AddressProblem as problem:
        assert_fits_in_a_line(problem)
        return
    assert parse_node_url(url) == url
    taken = httpx.URL(url)
    assert taken.host
    assert (taken.query, taken.fragment, taken.userinfo) == (b"", "", b"")
