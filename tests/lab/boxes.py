"""Boxes that are no more than a network namespace, and the cables to them; they end with who made them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Interface


@cache
def namespace() -> tuple[str, ...]:
    """The command that runs another one in a network of its own; empty where this system allows none."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        return ()
    for command in (("unshare", "--net"), ("unshare", "--net", "--map-root-user")):
        tried = [*command, "ip", "link", "add", "one", "type", "veth", "peer", "name", "two"]
        if subprocess.run(tried, capture_output=True, check=False).returncode == 0:
            return command
    return ()


def ip(*words: str) -> None:
    """Run `ip`."""
    subprocess.run(("ip", *words), check=True)


@dataclass(frozen=True, slots=True)
class Box:
    """A network namespace, which lives as long as the process in it does."""

    address: IPv4Interface
    pid: int

    def inside(self, *command: str) -> list[str]:
        """A command that runs another one in it."""
        return [shutil.which("nsenter") or "nsenter", "--target", str(self.pid), "--net", *command]


@contextmanager
def box(cable: str, near: str, away: str) -> Iterator[Box]:
    """A box at the address `away`, by a cable whose end here is at `near`; for use in a namespace of ours.

    What it does not know is sent back along the cable.
    """
    holding = ["unshare", "--net", "cat"]
    with subprocess.Popen(holding, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin
        assert holder.stdout
        holder.stdin.write(b"ready\n")
        holder.stdin.flush()
        holder.stdout.readline()
        made = Box(IPv4Interface(away), holder.pid)
        ip("link", "add", cable, "type", "veth", "peer", "name", "cable", "netns", str(holder.pid))
        ip("address", "add", near, "dev", cable)
        ip("link", "set", cable, "up")
        for words in (
            ("address", "add", away, "dev", "cable"),
            ("link", "set", "cable", "up"),
            ("link", "set", "lo", "up"),
        ):
            subprocess.run(made.inside("ip", *words), check=True)
        yield made
