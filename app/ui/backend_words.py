"""What is typed after an address to be kept with it."""

from __future__ import annotations

from app.text.address import parse_address


def parse_said(text: str) -> tuple[str, str]:
    """The address, and what follows it.

    Raises:
        AddressProblem: the first word is no address.
    """
    address, _, said = text.strip().partition(" ")
    return str(parse_address(address)), said.strip()
