"""Every setting, with its type, its default and its meaning.

The names of the attributes are the keys of `config.yaml`; checking and reading follow from the types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from app.config.kinds import BACKEND, COUNT, NAME, NETWORK, NODE, PORT, SECONDS, Number, WholeNumber
from app.config.levels import LogLevel
from app.config.sampling import SamplingSettings

Mode = Literal["standard", "distributed"]
Target = Literal["ollama", "coordinator"]
Signs = Literal["auto", "unicode", "ascii"]
Swap = Literal["idle", "never", "always"]
Acceptance = Literal["all", "ask"]
CacheName = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"]
Seconds = Annotated[float, SECONDS]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverySettings:
    """How backends are looked for and watched."""

    connect_timeout_s: Seconds = 0.4
    """How long to wait for a connection, in seconds."""
    reply_timeout_s: Seconds = 1.0
    """How long to wait for each reply, in seconds."""
    virtual_interfaces: bool = False
    """Also sweep docker's and other virtual networks of this box."""
    interval_s: Seconds = 5.0
    """How often the console probes the known backends, in seconds."""
    accept: Acceptance = "all"
    """Which new backends the console keeps that a sweep has found: `all`; `ask`: those that you mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingSettings:
    """Which side answers."""

    pool_up_to: Annotated[int, COUNT] = 13_000_000_000
    """Models with up to so many parameters go to the Ollama pool."""
    pool_preferred_up_to: Annotated[int, COUNT] = 70_000_000_000
    """Models with up to so many parameters go to the pool if a node has them, larger ones are distributed."""
    pins: Mapping[str, Target] = field(default_factory=dict)
    """Models that always go to one side, whatever their size, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """Where the llama.cpp programs are, where they are not to be looked for."""

    server: Path | None = None
    """The llama-server program."""
    rpc_server: Path | None = None
    """The ggml-rpc-server (or rpc-server) program."""
    folder: Path | None = None
    """Where `engine get` puts what it fetches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Where models are looked for."""

    store: Path | None = None
    """Ollama's models folder, with `blobs` and `manifests` in it."""
    folders: tuple[Path, ...] = ()
    """Folders with GGUF files; their subfolders too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorSettings:
    """How a coordinator is started and ended."""

    context: Annotated[int, WholeNumber(0, 10_000_000)] | None = 8192
    """Context in tokens; 0: what the model was trained for; null: what the engine chooses."""
    cache_k: CacheName = "f16"
    """How the keys of the context are stored; smaller types take less memory."""
    cache_v: CacheName = "f16"
    """How its values are stored."""
    threads: Annotated[int, WholeNumber(1, 1024)] | None = None
    """Threads of the coordinator; null: one less than this box has cores."""
    start_deadline_s: Seconds = 30.0
    """How long it may connect to its backends, in seconds."""
    load_deadline_s: Seconds = 120.0
    """How long it may load, in seconds, ..."""
    load_deadline_s_per_gib: Annotated[float, Number(0, 86_400)] = 20.0
    """... and how much longer for each GiB of weights."""
    stop_grace_s: Seconds = 5.0
    """How long it may take to end by itself before it is killed, in seconds."""
    idle_unload_s: Seconds | None = None
    """After how long without a prompt the console stops a coordinator, in seconds; null: never."""
    extra_arguments: tuple[str, ...] = ()
    """Further arguments for llama-server."""
    on_quit: Literal["ask", "stop", "leave"] = "ask"
    """What becomes of a running coordinator when the console is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementSettings:
    """How the layers of a model are divided over the backends."""

    backends: Literal["fewest", "all"] = "fewest"
    """Which backends hold a model: `fewest`: as few as can, as each further one makes it slower; `all`."""
    margin_gib: Annotated[float, Number(0, 1024)] = 1.0
    """What stays free on each device, in GiB."""
    swap: Swap = "idle"
    """Which coordinators a model stops that fits nowhere beside them: `idle`: those that answer nobody;
    `never`: none; `always`: any."""
    confirm: bool = True
    """Show the plan before the console loads a large model for the first time, and wait for Enter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaSettings:
    """How nodes are spoken to."""

    connect_timeout_s: Seconds = 3.0
    """How long to wait for a connection, in seconds."""
    reply_timeout_s: Seconds = 5.0
    """How long to wait for the reply to a short question, in seconds."""
    first_part_timeout_s: Seconds = 600.0
    """How long to wait for the first piece of an answer, in seconds: a cold model has to load."""
    idle_timeout_s: Seconds = 120.0
    """How long to wait for each further piece, in seconds."""
    poll_interval_s: Seconds = 5.0
    """How often the console asks the nodes how they are, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSettings:
    """How conversations are held."""

    system: str | None = None
    """System prompt; null: the model's own."""
    options: SamplingSettings = field(default_factory=SamplingSettings)
    """How models choose their words, where a conversation says nothing else."""
    keep: bool = True
    """Keep the console's conversations on disk, for you alone, and go on with the last one next time."""
    idle_timeout_s: Seconds = 120.0
    """How long to wait for each piece of a coordinator's answer, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings:
    """How the console itself behaves."""

    bell: bool = False
    """Ring the terminal's bell when something fails."""
    log_level: LogLevel = "off"
    """How much the program writes into its own log file."""
    theme: Annotated[str, NAME] | None = None
    """The colours, by the name of a theme; null: those that fit the terminal."""
    signs: Signs = "auto"
    """What the screen is drawn with; `auto`: ASCII alone where the locale is not UTF-8."""
    title: bool = False
    """Have the title of the terminal's window say what runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings."""

    mode: Mode = "standard"
    """`standard`: this box alone; `distributed`: the whole pool of nodes."""
    distributed_inference: bool = False
    """Spread large models over the RPC backends; implies mode distributed."""
    model: Annotated[str, NAME] | None = None
    """The model that prompts go to."""
    backends: tuple[Annotated[str, BACKEND], ...] = ()
    """RPC backends, as HOST or HOST:PORT."""
    nodes: tuple[Annotated[str, NODE], ...] = ("http://127.0.0.1:11434",)
    """Ollama nodes, as URLs; the default counts only where no file, variable or option names any."""
    networks: tuple[Annotated[str, NETWORK], ...] = ()
    """What `discover` sweeps: networks, addresses, host names; empty: the real networks of this box."""
    ports: tuple[Annotated[int, PORT], ...] = (50052,)
    """The ports that `discover` tries; empty: 50052."""
    discovery: DiscoverySettings = field(default_factory=DiscoverySettings)
    routing: RoutingSettings = field(default_factory=RoutingSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    models: ModelSettings = field(default_factory=ModelSettings)
    coordinator: CoordinatorSettings = field(default_factory=CoordinatorSettings)
    placement: PlacementSettings = field(default_factory=PlacementSettings)
    ollama: OllamaSettings = field(default_factory=OllamaSettings)
    chat: ChatSettings = field(default_factory=ChatSettings)
    console: ConsoleSettings = field(default_factory=ConsoleSettings)
