"""A server that behaves as Ollama does, and fails as it is told; start it by `tests.support.ollama_server`.

Written after ollama/server/routes.go, server/sched.go and api/types.go.
"""
