"""The Python clients of a Ringfence daemon: `Client` waits, `AsyncClient` awaits; otherwise they are alike.

    certs = Path("certs")
    identity = Identity(certs / "caller-ward.pem", certs / "caller-ward.key", certs / "ca.pem")
    with Client("localhost:7443", identity) as client:
        print(client.generate_text("Which form does a transfer need?").text)

`generate` streams the events of one request: a decision, deltas, a finish, a receipt. Whoever stops reading (`close`,
a cancelled task) cancels the request, and the daemon frees its slot at once. Every failure is a `RingfenceCallError`.
A `Client` may be shared by threads, an `AsyncClient` by the tasks of one loop.
"""

from ringfence.client.aio import AsyncClient
from ringfence.client.answer import Answer
from ringfence.client.error import RingfenceCallError
from ringfence.client.request import EmbedOptions, Prompt, RequestOptions, embed_request, generate_request, user_message
from ringfence.client.sync import Client
from ringfence.tls import Identity

__all__ = [
    "Answer",
    "AsyncClient",
    "Client",
    "EmbedOptions",
    "Identity",
    "Prompt",
    "RequestOptions",
    "RingfenceCallError",
    "embed_request",
    "generate_request",
    "user_message",
]
