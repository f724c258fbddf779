"""What can keep a probe from the answers of an RPC server; each message is one clause for a person."""

from __future__ import annotations

RESETS = "another program answers there, and resets the connection"


class Setback(Exception):  # noqa: N818  an outcome, and no fault of the program
    """The probe is over before it had its answers."""


class Refused(Setback):
    """The box answers that nothing listens on this port."""


class Unanswered(Setback):
    """Nothing came back, or it stopped coming."""


class Occupied(Setback):
    """The server is there and serves somebody else."""


class Stranger(Setback):
    """Another program than an RPC server listens there."""
