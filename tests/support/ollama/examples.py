"""Models and a prompt that tests use."""

from __future__ import annotations

from tests.support.ollama.models import FakeModel

ANSWER = "The sky is blue, naïvely,\n青い 🙂."
WHY = [{"role": "user", "content": "Why is it blue?"}]
LLAMA = FakeModel("llama3.2:latest", answer=ANSWER, parameter_count=3_212_749_888)
THINKER = FakeModel(
    "thinker:8b", parameters="8.2B", thinking="Hm, well.", capabilities=("completion", "thinking")
)
EMBEDDER = FakeModel("embedder:latest", parameters="137M", capabilities=("embedding",))
CLOUD = FakeModel("big:cloud", parameters="", size=384, remote_host="https://ollama.com:443")
