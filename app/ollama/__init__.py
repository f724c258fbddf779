"""Ollama: its model names, its store on disk and its HTTP API."""
