from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.text.address import Address, AddressProblem, parse_address, parse_node_url


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.1", Address("10.0.0.1", 50052)),
        ("10.0.0.1:1", Address("10.0.0.1", 1)),
        (" Worker-1.local:65535 ", Address("worker-1.local", 65535)),
        ("rpc://a:2/", Address("a", 2)),
        ("my_box", Address("my_box", 50052)),
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
    ],
)
def test_no_addresses(text: str) -> None:
    with pytest.raises(AddressProblem) as problem:
        parse_address(text)
    assert problem.value.remedy


@given(st.text())
def test_any_text_is_an_address_or_a_problem(text: str) -> None:
    try:
        address = parse_address(text)
    except AddressProblem:
        return
    assert parse_address(str(address)) == address


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
    ],
)
def test_node_urls(text: str, url: str) -> None:
    assert parse_node_url(text) == url


@pytest.mark.parametrize(
    "text", ["", "ftp://a", "http://", "a:b", "a:70000", "[::1", "http://[x]:1", "a b", "http://u:p@h:1"]
)
def test_no_node_urls(text: str) -> None:
    with pytest.raises(AddressProblem):
        parse_node_url(text)


@given(st.text() | st.text(alphabet="ahtp:/[]0123456789.@%"))
def test_any_text_is_a_node_or_a_problem(text: str) -> None:
    try:
        url = parse_node_url(text)
    except AddressProblem:
        return
    assert parse_node_url(url) == url
