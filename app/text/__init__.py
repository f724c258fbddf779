"""Words and units that every layer shares."""
