"""The main screen, and the small ones that open over it."""
