"""GGUF files: what their header says, and writing small ones."""
