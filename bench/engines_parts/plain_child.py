"""`llama_cpp.Llama` by itself, asked by a line of JSON on stdin.

It answers with ``piece`` for each piece, then how many tokens they were, a line each.
"""

from __future__ import annotations

import json
import sys

from llama_cpp import Llama


def main() -> None:
    """Answer until stdin ends."""
    path, context, threads = sys.argv[1:]
    llama = Llama(path, n_ctx=int(context), n_threads=int(threads), n_threads_batch=int(threads), verbose=False)
    print("ready", flush=True)
    for line in sys.stdin:
        text, tokens_max = json.loads(line)
        pieces, is_cut = 0, False
        for event in llama.create_chat_completion(
            [{"role": "user", "content": text}], max_tokens=tokens_max, temperature=0.0, stream=True
        ):
            choice = event["choices"][0]
            is_cut = is_cut or choice["finish_reason"] == "length"
            if choice["delta"].get("content"):
                pieces += 1
                print("piece", flush=True)
        print(tokens_max if is_cut else pieces, flush=True)


if __name__ == "__main__":
    main()
