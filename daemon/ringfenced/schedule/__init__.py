"""When a model may run, and whose turn it is: memory, placement, fair shares. Pure."""

from ringfenced.schedule.claim import claim

__all__ = ["claim"]
