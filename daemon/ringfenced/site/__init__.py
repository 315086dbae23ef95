"""What this node is and can run on, as it stands now: engines, providers, callers, devices, health."""
