"""Addresses that people type: `host[:port]` of a backend, the URL of a node."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from app.text.problem import Problem, quoted

DEFAULT_RPC_PORT = 50052
"""Port that the RPC server takes when it is not told another."""
DEFAULT_NODE_PORT = 11434
"""Port that Ollama takes when it is not told another."""

_MAX_PORT = 65535
_MAX_HOST_LENGTH = 253
_DEFAULT_NODE_PORTS = {"": DEFAULT_NODE_PORT, "http": 80, "https": 443}
"""By the scheme that was written."""
_THIS_BOX = "127.0.0.1"
_OLLAMA_CLOUD = "ollama.com"
"""The one bare host that Ollama reaches by https."""
_NODE_FORM = "Write it as http://HOST:11434."
_AUTHORITY = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?)\]|(?P<host>[^:\[\]@]*))(?::(?P<port>[^:]*))?"
)
_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_NUMERIC = re.compile(r"[0-9.]+")


class AddressProblem(Problem):
    """An address that cannot be one."""


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Where a backend listens: an IPv4 address or a host name, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def parse_port(text: str | int, where: str = "") -> int:
    """A TCP port from 1 to 65535.

    `where` names the place of the text in the message, such as an address around it.

    Raises:
        AddressProblem: it is no number, or out of range.
    """
    if not re.fullmatch(r"[0-9]{1,9}", str(text)) or not 1 <= int(text) <= _MAX_PORT:
        place, remedy = (f" in {quoted(where)}", "Write it as HOST:PORT.") if where else ("", "")
        raise AddressProblem(f"Port {quoted(str(text))}{place} is not a number from 1 to 65535.", remedy)
    return int(text)


def parse_address(text: str, default_port: int = DEFAULT_RPC_PORT) -> Address:
    """The backend address in `host`, `host:port` or `rpc://host:port`.

    Raises:
        AddressProblem: empty, an IPv6 address (llama.cpp's RPC speaks IPv4 only), a bad host name or port.
    """
    bare = text.strip().removeprefix("rpc://").removesuffix("/")
    if bare.startswith("[") or bare.count(":") > 1:
        raise AddressProblem(
            f"{quoted(text)} is an IPv6 address, and llama.cpp's RPC speaks IPv4 only.",
            "Give the box's IPv4 address or a host name.",
        )
    host, colon, port = bare.partition(":")
    if not _is_host(host):
        raise AddressProblem(f"{quoted(text)} does not name a host.", "Write it as HOST or HOST:PORT.")
    return Address(host.lower(), parse_port(port, text) if colon else default_port)


def parse_node_url(text: str) -> str:
    """The base URL of an Ollama node, by the rules of `OLLAMA_HOST`.

    `host`, `host:port`, `:port` and whole URLs are understood; 0.0.0.0 and :: become loopback; a bare host
    gets port 11434, `http://host` gets 80 and `https://host` 443, as Ollama's own client does it
    (ollama/envconfig/config.go, `Host`).

    Raises:
        AddressProblem: no host, a bad port, a scheme other than http and https.
    """
    bare = text.strip().strip("\"'").strip()
    if bare == _OLLAMA_CLOUD:
        bare = f"https://{bare}"
    scheme, separator, rest = bare.partition("://")
    if not separator:
        scheme, rest = "", bare
    scheme = scheme.lower()
    if scheme not in _DEFAULT_NODE_PORTS:
        raise AddressProblem(f"{quoted(text)} is not an http or https URL.", _NODE_FORM)
    authority, slash, path = rest.partition("/")
    match = _AUTHORITY.fullmatch(authority)
    host = _node_host(match) if match and rest else None
    if match is None or host is None:
        raise AddressProblem(f"{quoted(text)} does not name a host.", _NODE_FORM)
    if not _PATH.fullmatch(path):
        raise AddressProblem(f"{quoted(text)} has more than a path behind its host.", _NODE_FORM)
    port = _DEFAULT_NODE_PORTS[scheme] if match["port"] is None else parse_port(match["port"], text)
    return f"{scheme or 'http'}://{host}:{port}{slash}{path}".rstrip("/")


def _node_host(authority: re.Match[str]) -> str | None:
    """The host as a URL has it; None where it cannot be one. "All addresses" are read as this box."""
    if authority["v6"]:
        try:
            address = ipaddress.IPv6Address(authority["v6"])
        except ValueError:
            return None
        return _THIS_BOX if address.is_unspecified else f"[{address}]"
    host = (authority["host"] or _THIS_BOX).lower()
    if not _is_host(host):
        return None
    return _THIS_BOX if host == "0.0.0.0" else host  # noqa: S104  not bound


def _is_host(text: str) -> bool:
    if _NUMERIC.fullmatch(text):
        try:
            ipaddress.IPv4Address(text)
        except ValueError:
            return False
        return True
    return len(text) <= _MAX_HOST_LENGTH and _HOST.fullmatch(text) is not None
