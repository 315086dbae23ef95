"""Hosting a GGUF model with llama.cpp; imported in the engine's own process only."""
