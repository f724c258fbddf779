"""This box: its load and its network interfaces."""
