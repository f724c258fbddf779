"""Why a llama-server ends: what its log says, in words for a person, and what to do about it.

The texts are those of llama.cpp's `common/`, `src/`, `ggml/` and `tools/server/`. The names of functions in
front of them change from build to build and are never matched.
"""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from enum import Enum, auto


class Phase(Enum):
    """How far a llama-server had come."""

    CONNECTING = auto()
    """It had said nothing yet: it connects to its backends first of all."""
    LOADING = auto()
    SERVING = auto()


@dataclass(frozen=True, slots=True)
class Cause:
    """A log line that tells the cause, and how to say it.

    In the texts `{backend}` is the backend at fault as far as it is known, `{model}` the model's file, and
    any other name a group of the pattern. A group `address` is the backend at fault, a group `bytes` a size.
    """

    pattern: re.Pattern[str]
    sentence: str
    remedy: str
    phase: Phase | None = None
    """The only one in which the line means this; None: any."""


_SAME_RELEASE = "Run the same release of llama.cpp on that box and on this one."
_RESTART_BACKEND = (
    "Restart the RPC server there, and look at that box's memory: the kernel ends a process for want of it."
)
_LESS_MEMORY = "Free memory there, add a backend, lower coordinator.context, or take a smaller model."
_FETCH_ENGINE = "Fetch an engine with 'synaptic-tui engine get'."
_DOWNLOAD_AGAIN = "Download it again."
_STANDARD_FILE = (
    "Ollama changes some models in ways that llama.cpp does not know: run it through an Ollama node, "
    "or take a standard GGUF file of it."
)
_OPTIONS = "Look at coordinator.extra_arguments."


def _cause(pattern: str, sentence: str, remedy: str, phase: Phase | None = None) -> Cause:
    return Cause(re.compile(pattern), sentence, remedy, phase)


CAUSES: tuple[Cause, ...] = (
    # An RPC failure ends the process at the spot, so what says so comes before what merely went wrong.
    _cause(
        r"Cannot resolve host '(?P<host>[^']*)'",
        "The host name {host} of a backend cannot be resolved.",
        "Check its spelling, or give the IPv4 address.",
    ),
    _cause(
        r"Failed to connect to (?P<address>\S+)",
        "{backend} cannot be reached.",
        "Start the RPC server there, and let its port through the firewall.",
    ),
    _cause(
        r"Failed to parse endpoint:(?P<endpoint>.*)",
        "llama-server does not take '{endpoint}' for the address of a backend.",
        "Write it as HOST:PORT.",
    ),
    _cause(
        r"RPC server version mismatch: (?P<version>[\d.]+)",
        "{backend} speaks version {version} of the RPC protocol, which this engine does not.",
        _SAME_RELEASE,
    ),
    _cause(
        r"RPC handshake failed for (?P<address>\S+)",
        "{backend} speaks another version of the RPC protocol than this engine.",
        _SAME_RELEASE,
    ),
    _cause(
        r"Remote RPC server crashed or returned malformed response",
        "{backend} hung up at the first word: it is no RPC server, or one of another version.",
        _SAME_RELEASE,
        Phase.CONNECTING,
    ),
    _cause(
        r"Remote RPC server crashed or returned malformed response",
        "{backend} was lost while the model was being loaded.",
        _RESTART_BACKEND,
        Phase.LOADING,
    ),
    _cause(
        r"Remote RPC server crashed or returned malformed response",
        "{backend} was lost while the model was in use.",
        _RESTART_BACKEND,
        Phase.SERVING,
    ),
    _cause(
        r"GGML_ASSERT\((?P<check>.*)\) failed",
        "llama-server stopped itself, as an internal check failed: {check}.",
        "Try another release of llama.cpp; this is a fault in it, or in the model's file.",
    ),
    # The program itself.
    _cause(
        r"RPC not supported in this build|invalid argument: --rpc$",
        "This llama-server was built without RPC.",
        _FETCH_ENGINE,
    ),
    _cause(
        r"^error: invalid argument: (?P<option>\S+)",
        "This llama-server does not know the option {option}.",
        _OPTIONS,
    ),
    _cause(
        r'error while handling argument "(?P<option>[^"]+)": (?P<reason>.*)',
        "llama-server refused the value of {option}: {reason}.",
        _OPTIONS,
    ),
    _cause(r"^error: (?P<reason>.+)", "llama-server refused its command line: {reason}.", _OPTIONS),
    _cause(
        r"error while loading shared libraries: (?P<library>[^:]+)",
        "llama-server cannot start, as the library {library} is missing.",
        _FETCH_ENGINE,
    ),
    _cause(
        r"version `(?P<library>\w+_[\d.]+)' not found",
        "llama-server cannot start, as this box has no {library}.",
        _FETCH_ENGINE,
    ),
    _cause(r"no backends are loaded", "llama-server does not find its own libraries.", _FETCH_ENGINE),
    _cause(
        r"couldn't bind HTTP server socket, hostname: (?P<host>[^,]+), port: (?P<port>\d+)",
        "Another program has port {port} of {host}, or that is no address of this box.",
        "Start again: each start takes a free port.",
    ),
    # The model's file.
    _cause(
        r"failed to open (?:GGUF file )?'?(?P<file>[^']+?)'?(?: \(|: )(?P<reason>[^():]+)\)?$",
        "{file} cannot be opened: {reason}.",
        "See that it is there and that you may read it.",
    ),
    _cause(r"invalid magic", "{model} is no GGUF file.", "Give the path of a GGUF file."),
    _cause(
        r"tensor '(?P<tensor>[^']+)' data is not within the file bounds",
        "{model} is incomplete: the data of {tensor} is not in it.",
        _DOWNLOAD_AGAIN,
    ),
    _cause(
        r"GGUF(?:v1| file is version).*(?:no longer supported|only supports)|bad GGUF version"
        r"|GGUF file version \d+ is extremely large",
        "{model} has a version of the GGUF format that this engine does not read.",
        "Take a current file of the model, or a newer engine.",
    ),
    _cause(
        r"tensor '(?P<tensor>[^']+)' of type (?P<type>\d+) \(",
        "{model} has tensors of type {type}, which llama.cpp does not have any more.",
        "Pull the model again, or take a standard GGUF file of it.",
    ),
    _cause(
        r"invalid ggml type (?P<type>\d+)",
        "{model} has tensors of type {type}, which this engine does not know.",
        "Fetch a newer engine with 'synaptic-tui engine get'.",
    ),
    _cause(
        r"failed to read (?:magic|header|key-value pairs|tensor)|encountered \w+ (?:error )?while reading"
        r"|exceeds remaining file size|has offset \d+, expected|failed to seek",
        "The header of {model} is damaged.",
        _DOWNLOAD_AGAIN,
    ),
    _cause(
        r"(?:invalid split file|illegal split file|invalid split count|GGUF split)",
        "{model} is one part of a model in several files, and the parts do not go together.",
        "Give the first part, with all others beside it under their own names.",
    ),
    _cause(
        r"unknown model architecture: '(?P<architecture>[^']*)'",
        "{model} is of the architecture {architecture}, which this engine does not know.",
        f"Fetch a newer engine with 'synaptic-tui engine get'. {_STANDARD_FILE}",
    ),
    _cause(
        r"CLIP cannot be used as main model",
        "{model} is the image part of a model, and cannot answer by itself.",
        "Choose the model that it belongs to.",
    ),
    _cause(
        r"key not found in model: (?P<key>\S+)",
        "{model} lacks {key}, which llama.cpp needs.",
        _STANDARD_FILE,
    ),
    _cause(
        r"wrong number of tensors; expected (?P<expected>\d+), got (?P<got>\d+)",
        "{model} has {expected} tensors where llama.cpp knows {got}.",
        _STANDARD_FILE,
    ),
    _cause(
        r"missing tensor '(?P<tensor>[^']+)'|tensor '(?P<not_found>[^']+)' not found",
        "{model} lacks the tensor {tensor}.",
        _STANDARD_FILE,
    ),
    _cause(
        r"tensor '(?P<tensor>[^']+)' has wrong shape",
        "{model} has the tensor {tensor} in another shape than llama.cpp expects.",
        _STANDARD_FILE,
    ),
    _cause(
        r"error loading model vocabulary: (?P<reason>.*)",
        "The vocabulary of {model} cannot be used: {reason}.",
        f"Fetch a newer engine with 'synaptic-tui engine get'. {_STANDARD_FILE}",
    ),
    _cause(
        r"chat template parsing error: (?P<reason>.*)",
        "The chat template of {model} cannot be used: {reason}.",
        "Give another one with --chat-template in coordinator.extra_arguments.",
    ),
    # Memory.
    _cause(
        r"failed to allocate RPC\d*\[(?P<address>[^\]]+)\] buffer of size (?P<bytes>\d+)",
        "{backend} has not enough memory: {bytes} could not be had.",
        _LESS_MEMORY,
    ),
    _cause(
        r"unable to allocate RPC\d*\[(?P<address>[^\]]+)\] buffer",
        "{backend} has not enough memory.",
        _LESS_MEMORY,
    ),
    _cause(
        r"failed to allocate buffer for kv cache",
        "There is not enough memory for the KV cache.",
        "Lower coordinator.context, or add a backend.",
    ),
    _cause(
        r"(?i)^(?!.*retrying without pipeline parallelism).*(?:out of memory|(?:cuda|hip)Malloc failed"
        r"|failed to allocate|unable to allocate|allocation failed|not enough memory|insufficient memory"
        r"|ErrorOutOf\w*Memory|vk_error_out_of_\w+_memory)",
        "This box has not enough memory for its part of {model}.",
        "Free memory here, add a backend, lower coordinator.context, or take a smaller model.",
    ),
    # Caches.
    _cause(
        r"[KV] cache type (?P<kind>\S+) with block size (?P<block>\d+) does not divide \w+=(?P<length>\d+)",
        "The cache type {kind} stores numbers by {block}, and {model} has {length} in each head.",
        "Take another type for coordinator.cache_k and cache_v, such as f16.",
    ),
    # What has no words of its own here.
    _cause(
        r"does not support split buffers",
        "Backends cannot split a layer by rows.",
        "Take '-sm row' out of coordinator.extra_arguments.",
    ),
    _cause(
        r"error loading model: (?!llama_model_loader)(?P<reason>.+)",
        "{model} cannot be loaded: {reason}.",
        "",
    ),
    _cause(
        r"failed to initialize the context: (?P<reason>.+)", "{model} cannot be used: {reason}.", _OPTIONS
    ),
    _cause(
        r"what\(\): +(?P<reason>.+)",
        "llama-server crashed: {reason}.",
        "Try another release of llama.cpp.",
    ),
)
"""The first that any line tells of is the cause."""

OUTSIDE_CAUSES = {
    -signal.SIGKILL: (
        "llama-server was killed from outside.",
        "Look at this box's memory: the kernel kills a process for want of it.",
    ),
    -signal.SIGTERM: ("Somebody else ended llama-server.", "Start it again."),
    -signal.SIGINT: ("Somebody else interrupted llama-server.", "Start it again."),
    -signal.SIGHUP: ("llama-server was ended by the end of a session.", "Start it again."),
    -signal.SIGILL: ("This llama-server was built for another kind of processor.", _FETCH_ENGINE),
    -signal.SIGSEGV: ("llama-server crashed.", "Try another release of llama.cpp."),
    -signal.SIGBUS: (
        "llama-server crashed as it read the model's file.",
        "See that the file is not being changed, and that the disk is whole and not full.",
    ),
}
"""By exit code: ends that no line of the log tells of."""
