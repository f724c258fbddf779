"""Can stock llama.cpp load a model: decided by its header, before anything is launched.

Sources: src/llama-model-loader.cpp (`done_getting_tensors`), src/llama-arch.cpp and ggml/src/gguf.cpp of
llama.cpp. An architecture that is not known here is left to the engine, which may be newer than this program.
"""

from __future__ import annotations

from app.gguf.dialects import FOREIGN_NAMES, other_part, sign_of_dialect
from app.gguf.header import Header, Kind
from app.gguf.types import REMOVED_TYPES
from app.text.problem import Problem, quoted

_STANDARD = (
    "Run it through an Ollama node, or take a standard GGUF of it: "
    "by its path, or with 'ollama pull hf.co/ORG/REPO'."
)
_MXFP4_ONCE = 4
"""Under this number Ollama wrote the MXFP4 of gpt-oss until October 2025."""


def why_not_loadable(header: Header) -> Problem | None:
    """Why llama.cpp cannot answer with this model, in sentences about "it"; None where nothing tells.

    Refused are also the few of Ollama's layouts that llama.cpp would load and then misread, as it passes over
    keys that it does not know.
    """
    return _wrong_kind(header) or _removed_type(header) or _foreign_name(header) or _dialect(header)


def _wrong_kind(header: Header) -> Problem | None:
    if header.is_model:
        return None
    article = "an" if header.kind is Kind.ADAPTER else "a"
    answering = "Choose a model that can answer."
    remedy = answering if header.kind is Kind.ENCODER else "Choose the model that it belongs to."
    return Problem(f"It is {article} {header.kind}, not a model.", remedy)


def _removed_type(header: Header) -> Problem | None:
    old = next((tensor for tensor in header.tensors if tensor.type_id in REMOVED_TYPES), None)
    if old is None:
        return None
    where = f"Its tensor {quoted(old.name)}"
    if old.type_id == _MXFP4_ONCE and header.architecture in ("gptoss", "gpt-oss"):
        return Problem(
            f"{where} has type 4, once Ollama's number for MXFP4, which llama.cpp never had.",
            f"Pull it again. {_STANDARD}",
        )
    return Problem(
        f"{where} is in {REMOVED_TYPES[old.type_id]}, which llama.cpp no longer reads.",
        "Pull or download a current file of it, such as one in Q4_0.",
    )


def _foreign_name(header: Header) -> Problem | None:
    name = header.architecture
    if name is None or name not in FOREIGN_NAMES:
        return None
    known = FOREIGN_NAMES[name]
    if known is None:
        return Problem(
            f"Its architecture, '{name}', is one that llama.cpp does not have.",
            "An Ollama node before 0.30 may run it; else choose another model.",
        )
    return Problem(
        f"Its architecture has Ollama's name, '{name}': llama.cpp has '{known}', laid out otherwise.",
        _STANDARD,
    )


def _dialect(header: Header) -> Problem | None:
    part = other_part(header)
    if part is not None:
        return Problem(
            f"It holds more than the text model, such as the tensor {quoted(part)}: only Ollama reads that "
            "from one file.",
            _STANDARD,
        )
    sign = sign_of_dialect(header)
    if sign is not None:
        return Problem(
            f"It is a {header.architecture} in a layout that only Ollama reads: it {sign}.", _STANDARD
        )
    return None
