"""What runs beside a context for as long as it lasts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager


@asynccontextmanager
async def meanwhile(*lasting: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run what lasts as long as the context, and end it with the context."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(coroutine) for coroutine in lasting]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
