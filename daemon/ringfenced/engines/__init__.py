"""Engines: one process per local model, spoken to over a unix socket; `design.md` tells how the parts fit."""
