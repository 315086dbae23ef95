"""A process shuts itself in, proves it, then serves: for daemon, engines and agent. See design.md."""
