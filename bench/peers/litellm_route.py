"""What LiteLLM's router takes to choose among deployments of one model group; for `bench/decide.py --peer PYTHON`.

Runs in an environment of its own that has litellm. Prints one JSON object: microseconds by number of deployments, wall
and processor time. It chooses by cost alone ("cost-based-routing"); it knows no label, policy or budget of a caller.
"""

import asyncio
import importlib.metadata
import json
import statistics
import sys
import time
from typing import Any

from litellm import Router

CUTS = (("10", 99), ("50", 499), ("99", 989), ("999", 998))


async def measure(count: int, requests: int) -> dict[str, float]:
    """Choose so many times among so many deployments."""
    deployments: list[Any] = [
        {
            "model_name": "any",
            "litellm_params": {
                "model": f"openai/model-{number}",
                "api_key": "none",
                "input_cost_per_token": 1e-6 * (1 + number % 97),
                "output_cost_per_token": 2e-6 * (1 + number % 89),
            },
        }
        for number in range(count)
    ]
    router = Router(model_list=deployments, routing_strategy="cost-based-routing")
    messages: Any = [{"role": "user", "content": "the patient was seen in clinic today " * 15}]
    taken: list[tuple[float, float]] = []
    for _ in range(requests):
        wall, processor = time.perf_counter(), time.thread_time()
        await router.async_get_available_deployment(model="any", messages=messages, request_kwargs={})
        taken.append((time.perf_counter() - wall, time.thread_time() - processor))
    found: dict[str, float] = {}
    for name, at in (("wall", 0), ("cpu", 1)):
        cuts = statistics.quantiles([one[at] * 1e6 for one in taken], n=1000, method="inclusive")
        found |= {f"{name}_p{label}_us": round(cuts[cut], 1) for label, cut in CUTS}
    return found


if __name__ == "__main__":
    sizes = [int(size) for size in sys.argv[1].split(",")]
    found = {size: asyncio.run(measure(size, int(sys.argv[2]))) for size in sizes}
    print(json.dumps({"version": importlib.metadata.version("litellm"), "sizes": found}))
