"""State, events and use cases; knows no user interface."""
