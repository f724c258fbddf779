"""The options that the console and every command on a cluster share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from app.config.levels import LogLevel
from app.text.address import AddressProblem, parse_address, parse_node_url

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """What the command line says about the cluster; later words are added to earlier ones."""

    distributed: bool = False
    distributed_inference: bool = False
    rpc_backends: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    model: str | None = None
    config: Path | None = None
    log_level: LogLevel | None = None

    def joined(self, later: ClusterOptions) -> ClusterOptions:
        """These options with those of a command added, as in `synaptic-tui --distributed chat --model M`."""
        return replace(
            later,
            distributed=self.distributed or later.distributed,
            distributed_inference=self.distributed_inference or later.distributed_inference,
            rpc_backends=(*self.rpc_backends, *later.rpc_backends),
            nodes=(*self.nodes, *later.nodes),
            model=later.model or self.model,
            config=later.config or self.config,
            log_level=later.log_level or self.log_level,
        )


def backend_word(text: str) -> str:
    """The canonical form of a backend's address, or a usage error."""
    return _parsed(parse_address, text)


def node_word(text: str) -> str:
    """The canonical form of a node's URL, or a usage error."""
    return _parsed(parse_node_url, text)


def _parsed(parse: Callable[[str], object], text: str) -> str:
    try:
        return str(parse(text))
    except AddressProblem as problem:
        raise click.BadParameter(str(problem)) from None


def complete_backend(context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """The backends that are known, for a shell."""
    from app.cli.names import backend_names, completed

    return completed(backend_names, context, begun)


def complete_node(context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """The nodes that are known, for a shell."""
    from app.cli.names import completed, node_names

    return completed(node_names, context, begun)


def complete_model(context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """The models of this box, for a shell."""
    from app.cli.names import completed, model_names

    return completed(model_names, context, begun)


_OPTIONS = (
    click.option("--distributed", is_flag=True, help="Use the whole pool, not this box alone."),
    click.option(
        "--enable-distributed-inference",
        "distributed_inference",
        is_flag=True,
        help="Spread large models over the RPC backends; implies --distributed.",
    ),
    click.option(
        "--rpc-backend",
        "rpc_backends",
        type=backend_word,
        metavar="HOST[:PORT]",
        multiple=True,
        shell_complete=complete_backend,
        help="Use this backend too; may be repeated; implies both of the above.",
    ),
    click.option(
        "--ollama",
        "nodes",
        type=node_word,
        metavar="URL",
        multiple=True,
        shell_complete=complete_node,
        help="Use this Ollama node too; repeatable.",
    ),
    click.option(
        "--model", "-m", metavar="NAME", shell_complete=complete_model, help="The model that prompts go to."
    ),
    click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Read this configuration file instead of the usual one.",
    ),
    click.option(
        "--log-level",
        type=click.Choice(get_args(LogLevel)),
        help="How much to write into the program's own log file, whose place 'doctor' tells.",
    ),
)


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them as one `options` argument."""

    @functools.wraps(command)
    def with_options(
        *args: Any,  # noqa: ANN401  whatever else the command takes
        distributed: bool,
        distributed_inference: bool,
        rpc_backends: tuple[str, ...],
        nodes: tuple[str, ...],
        model: str | None,
        config: Path | None,
        log_level: LogLevel | None,
        **rest: Any,  # noqa: ANN401
    ) -> object:
        own = ClusterOptions(
            distributed, distributed_inference, rpc_backends, nodes, model, config, log_level
        )
        before = click.get_current_context().find_object(ClusterOptions)
        return command(*args, options=before.joined(own) if before else own, **rest)

    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(_OPTIONS), with_options)
