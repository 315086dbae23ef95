"""What Ringfence is measured beside, each in a process and an environment of its own."""
