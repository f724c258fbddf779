"""What may be written as the value of a setting: each kind checks a text and brings it into its one form."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.text.address import parse_address, parse_node_url, parse_port
from app.text.units import parse_count


class Kind(Protocol):
    """A kind of value."""

    @property
    def allowed(self) -> str:
        """What is allowed, in words that follow "it must be"."""

    def read(self, text: str) -> object:
        """The value that `text` stands for.

        Raises:
            ValueError: it is not allowed.
            Problem: it is not allowed, and the problem says why by itself.
        """


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A whole number within limits, written with decimal digits alone."""

    least: int
    most: int

    @property
    def allowed(self) -> str:
        """In words."""
        return f"a whole number from {self.least} to {self.most}"

    def read(self, text: str) -> int:
        """The number."""
        if not re.fullmatch(r"[0-9]{1,15}", text) or not self.least <= int(text) <= self.most:
            raise ValueError(text)
        return int(text)


@dataclass(frozen=True, slots=True)
class Number:
    """A number within limits."""

    least: float
    most: float

    @property
    def allowed(self) -> str:
        """In words."""
        return f"a number from {self.least:g} to {self.most:g}"

    def read(self, text: str) -> float:
        """The number."""
        decimal = re.fullmatch(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", text)
        if not decimal or not self.least <= float(text) <= self.most:
            raise ValueError(text)
        return float(text)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some words."""

    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """In words."""
        return f"{', '.join(self.words[:-1])} or {self.words[-1]}"

    def read(self, text: str) -> str:
        """The word itself."""
        if text not in self.words:
            raise ValueError(text)
        return text


@dataclass(frozen=True, slots=True)
class Parsed:
    """Whatever a parser takes."""

    allowed: str
    parse: Callable[[str], object]

    def read(self, text: str) -> object:
        """What the parser makes of it."""
        return self.parse(text)


def _switch(text: str) -> bool:
    if text.lower() not in ("true", "yes", "on", "false", "no", "off"):
        raise ValueError(text)
    return text.lower() in ("true", "yes", "on")


def _count(text: str) -> int:
    count = parse_count(text)
    if count is None:
        raise ValueError(text)
    return count


def _name(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError(text)
    return text.strip()


def _path(text: str) -> Path:
    try:
        path = Path(text).expanduser()
    except RuntimeError:  # the home of a user who does not exist
        raise ValueError(text) from None
    if not path.is_absolute() or "\0" in text:
        raise ValueError(text)
    return path


def _network(text: str) -> str:
    word = text.strip()
    if "/" in word.removeprefix("rpc://"):
        return str(ipaddress.IPv4Network(word, strict=False))
    address = parse_address(word)
    return str(address) if ":" in word else address.host


SWITCH = Parsed("true or false", _switch)
TEXT = Parsed("text", str)
NAME = Parsed("a name", _name)
PATH = Parsed("a path that begins with / or ~", _path)
COUNT = Parsed("a count of parameters such as 13B", _count)
PORT = Parsed("a number from 1 to 65535", parse_port)
BACKEND = Parsed("HOST or HOST:PORT", lambda text: str(parse_address(text)))
NODE = Parsed("a URL such as http://HOST:11434", parse_node_url)
NETWORK = Parsed("a network such as 192.168.1.0/24, an address or a host name", _network)
SECONDS = Number(0.001, 86_400)
