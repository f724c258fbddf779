"""The llama.cpp RPC server, spoken to on the wire."""
