"""The commands of the table in Textual's palette."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from app.ui.command import Command

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen


class CommandsOfTable(Provider):
    """Offers every command; the help of one that cannot run now says why."""

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for command in self._main.commands:
            yield DiscoveryHit(command.name, self._choose(command), help=self._help(command))

    async def search(self, query: str) -> Hits:
        """Those whose name, alias or help has what is typed."""
        matcher = self.matcher(query)
        for command in self._main.commands:
            score = max(matcher.match(text) for text in (*command.names, command.help))
            if score > 0:
                shown = matcher.highlight(command.name)
                yield Hit(score, shown, self._choose(command), text=command.name, help=self._help(command))

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self.screen)

    def _choose(self, command: Command) -> partial[None]:
        return partial(self._main.action_command, command.name)

    def _help(self, command: Command) -> str:
        why_not = command.why_not(self._main)
        return f"{command.help} (not now: {why_not})" if why_not else command.help
