"""synaptic-tui: a terminal console for llama.cpp spread over several boxes."""

__version__ = "0.1.0"
