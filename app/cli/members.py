"""What the commands on backends and those on nodes have in common: list, change, remove."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.cli.forms import Form
from app.cli.options import ClusterOptions
from app.cli.output import print_json, say
from app.cli.session import open_cluster
from app.core.membership import Membership

Member = TypeVar("Member")


@dataclass(frozen=True, slots=True)
class Kind(Generic[Member]):
    """How the members of one kind are shown."""

    name: str
    """Of several, in JSON."""
    form: Callable[[Member], Form]
    print_table: Callable[[Iterable[Member]], None]
    if_none: str
    """What to do where none is known."""

    def show_all(self, members: Sequence[Member], *, as_json: bool) -> None:
        """Show what is known; where that is nothing, say what to do."""
        if as_json:
            print_json({self.name: [self.form(member) for member in members]})
            return
        self.print_table(members)
        if not members:
            say(self.if_none)

    async def change(
        self,
        options: ClusterOptions,
        change: Callable[[Membership], Awaitable[Member]],
        *,
        as_json: bool,
    ) -> int:
        """Change one, or add it, and show what it is now."""
        async with open_cluster(options) as cluster:
            member = await change(cluster.members)
        if as_json:
            print_json(self.form(member))
        else:
            self.print_table([member])
        return 0


async def remove(
    options: ClusterOptions, name: str, forget: Callable[[Membership], Awaitable[object]]
) -> int:
    """Forget one, and say so."""
    async with open_cluster(options) as cluster:
        await forget(cluster.members)
    say(f"Removed {name}.")
    return 0
