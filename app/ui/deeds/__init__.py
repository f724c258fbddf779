"""What each command does: a core call, or a change of what is shown."""
