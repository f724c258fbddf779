"""What kind of program answers where an RPC server was looked for?"""

from __future__ import annotations

_FIRST_WORDS = {
    b"HTTP/": "an HTTP server",
    b"SSH-": "an SSH server",
    b"\x15\x03": "a TLS server",
}
_SHOWN_BYTES = 24


def recognise(heard: bytes) -> str | None:
    """A clause that names the program, where its first bytes give it away."""
    for words, program in _FIRST_WORDS.items():
        if heard.startswith(words):
            return f"{program} answers there"
    return None


def describe_stranger(heard: bytes) -> str:
    """A clause about a program that said these bytes."""
    # ascii() because a terminal must not be sent control characters of somebody else's choice.
    said = ascii(heard[:_SHOWN_BYTES].decode("latin-1"))
    return recognise(heard) or f"another program answers there: {said}"
