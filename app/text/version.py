"""The version of the RPC protocol, and when two of them can talk."""

from __future__ import annotations

from typing import NamedTuple


class ProtocolVersion(NamedTuple):
    """Version of the RPC wire protocol, as HELLO carries it."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    def accepts(self, server: ProtocolVersion) -> bool:
        """Whether a client of this version talks to `server`.

        The rule of ggml-rpc's client: same major, and the server's minor not newer; patch is not compared.
        """
        return server.major == self.major and server.minor <= self.minor
