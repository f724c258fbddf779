"""`python -m app` is `synaptic-tui`."""

from app.cli import main

main()
