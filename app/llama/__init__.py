"""The llama.cpp programs: found, fetched, run, read and spoken to."""
