"""`synaptic-tui chat -m MODEL PROMPT`."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import aclosing

import click

from app.cli.forms import part_form
from app.cli.narration import Narration, narrated
from app.cli.options import ClusterOptions, cluster_options
from app.cli.output import say
from app.cli.running import run
from app.cli.session import open_cluster
from app.core.chat import Answered, ChatPart, Conversation, Measured, Routed
from app.core.cluster import Cluster
from app.core.routing import Route
from app.text.answer import Delta
from app.text.units import UNKNOWN, duration_text, rate_text


@click.command()
@click.argument("prompt", nargs=-1)
@click.option("--keep", is_flag=True, help="Leave a coordinator running that this prompt has started.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document a line, the last one with the timings."
)
@cluster_options
def chat(options: ClusterOptions, prompt: tuple[str, ...], keep: bool, as_json: bool) -> int:
    """Send PROMPT and stream the answer to standard output; without PROMPT it is read from standard input.

    A coordinator that is started for it is stopped afterwards, unless --keep is given.
    """
    text = " ".join(prompt) or ("" if sys.stdin.isatty() else sys.stdin.read())
    if not text.strip():
        raise click.UsageError("Give a prompt, as words or on standard input.")
    return run(_chat(options, text, keep=keep, as_json=as_json))


async def _chat(options: ClusterOptions, prompt: str, *, keep: bool, as_json: bool) -> int:
    async with open_cluster(options) as cluster, narrated(cluster) as narration:
        await cluster.look()
        found = {coordinator.status.model for coordinator in cluster.coordinators.present}
        try:
            await print_answer(cluster, prompt, narration, as_json=as_json)
        finally:
            started = [c.status.model for c in cluster.coordinators.present if c.status.model not in found]
            if started and not keep:
                await asyncio.shield(cluster.coordinators.stop(*started))
    return 0


async def print_answer(cluster: Cluster, prompt: str, narration: Narration, *, as_json: bool) -> None:
    """Stream the answer to standard output, its route and numbers to standard error."""
    route: Route | None = None
    async with aclosing(cluster.ask(Conversation(), prompt)) as parts:
        async for part in parts:
            if isinstance(part, Routed):
                route = part.route
            else:
                narration.give_way()
            if as_json:
                click.echo(json.dumps(part_form(part, route), ensure_ascii=False))
            else:
                _print_part(part)


def _print_part(part: ChatPart) -> None:
    match part:
        case Routed(route):
            say(f"{route.model.name} -> {route.summary}")
        case Delta(text):
            click.echo(text, nl=False)
        case Answered(measured):
            click.echo()
            say(numbers(measured))


def numbers(measured: Measured) -> str:
    """The numbers of an answer in one line."""
    tokens = UNKNOWN if measured.tokens is None else str(measured.tokens)
    return (
        f"first token {duration_text(measured.ttft_s)}, {tokens} tokens, {rate_text(measured.tokens_per_s)}"
    )
