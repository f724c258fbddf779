"""What a value of a setting may be, beyond its type: checked and brought into its one form."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from app.text.address import parse_address, parse_node_url, parse_port
from app.text.units import parse_count


class Kind(Protocol):
    """Further limits on the values of a setting."""

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""

    def read(self, value: object) -> object:
        """The value in its one form.

        Raises:
            ValueError: it is not allowed; a Problem says why by itself.
        """


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A number that is not smaller than this one."""

    least: float

    @property
    def allowed(self) -> str:
        """In words."""
        return f"a number of at least {self.least:g}"

    def read(self, value: object) -> object:
        """The number itself."""
        if not isinstance(value, int | float) or not self.least <= value <= _HUGE:
            raise ValueError
        return value


_HUGE = 10**15


@dataclass(frozen=True, slots=True)
class Count:
    """A count of parameters, written as a number or as 13B."""

    allowed: str = "a count of parameters such as 13B"

    def read(self, value: object) -> object:
        """The count as a number."""
        count = parse_count(str(value)) if isinstance(value, int | str) else None
        if count is None:
            raise ValueError
        return count


@dataclass(frozen=True, slots=True)
class _Word:
    """A word that one of the parsers of addresses accepts."""

    allowed: str
    parse: Callable[[str], object]

    def read(self, value: object) -> object:
        """The word in its one form."""
        return str(self.parse(str(value)))


class AddressWord(_Word):
    """`HOST` or `HOST:PORT` of a backend."""

    def __init__(self) -> None:
        super().__init__("HOST or HOST:PORT", parse_address)


class NodeWord(_Word):
    """URL of an Ollama node."""

    def __init__(self) -> None:
        super().__init__("a URL such as http://HOST:11434", parse_node_url)


class NetworkWord(_Word):
    """A CIDR, an address or a host name."""

    def __init__(self) -> None:
        super().__init__("a network such as 192.168.1.0/24, an address or a host name", _network)


@dataclass(frozen=True, slots=True)
class PortNumber:
    """A TCP port."""

    allowed: str = "a number from 1 to 65535"

    def read(self, value: object) -> object:
        """The port as a number."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError
        return parse_port(value)


def _network(text: str) -> str:
    if "/" in text:
        return str(ipaddress.IPv4Network(text, strict=False))
    parse_address(text)
    return text
