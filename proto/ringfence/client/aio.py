"""The client for asyncio."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from types import TracebackType
from typing import Self, TypeVar, Unpack

import grpc
import grpc.aio

from ringfence.client.answer import Answer, Collector
from ringfence.client.channel import CALL_TIMEOUT_S, async_channel, stream_timeout_s
from ringfence.client.error import call_error
from ringfence.client.request import EmbedOptions, Prompt, RequestOptions, embed_request, generate_request
from ringfence.streams import reading
from ringfence.tls import Identity
from ringfence.v1 import admin_pb2 as admin
from ringfence.v1 import audit_pb2 as audit
from ringfence.v1 import inference_pb2 as inference
from ringfence.v1.admin_pb2_grpc import (
    KeysStub,
    LockdownStub,
    ModelsStub,
    NodesStub,
    PolicyStub,
    RoutingStub,
    WalletsStub,
)
from ringfence.v1.audit_pb2_grpc import AuditStub
from ringfence.v1.inference_pb2_grpc import InferenceStub
from ringfence.v1.types_pb2 import EntryProof

Q = TypeVar("Q")
R = TypeVar("R")


class AsyncClient:
    """Speaks to one daemon. The tasks of one loop may share it; close it when done, or use it as a context manager."""

    def __init__(
        self, target: str, identity: Identity, *, server_name: str = "", timeout_s: float = CALL_TIMEOUT_S
    ) -> None:
        """Prepare; the first call connects.

        Args:
            target: ``host:port`` or ``unix:/path/of/socket``.
            identity: who the caller is, and whom it trusts; when the files change, new calls show the new ones.
            server_name: name that the daemon's certificate must bear; empty for the target's host, or ``localhost`` on
                a unix socket.
            timeout_s: for calls that do not stream.

        Raises:
            OSError: a certificate or key cannot be read.
            CertificateError: they do not fit together (a ValueError).
        """
        self._channel = async_channel(target, identity, server_name)
        self._timeout_s = timeout_s
        self._inference = InferenceStub(self._channel)
        self._models = ModelsStub(self._channel)
        self._nodes = NodesStub(self._channel)
        self._wallets = WalletsStub(self._channel)
        self._keys = KeysStub(self._channel)
        self._routing = RoutingStub(self._channel)
        self._audit = AuditStub(self._channel)
        self._lockdown = LockdownStub(self._channel)
        self._policy = PolicyStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the connection go; calls in flight are cancelled."""
        await self._channel.close()

    def generate(self, prompt: Prompt, **options: Unpack[RequestOptions]) -> AsyncGenerator[inference.GenerateResponse]:
        """Run one request and yield its events: decision, deltas (and escalations), finish, receipt.

        Closing the iterator cancels the request. After an escalation, earlier deltas are void.

        Raises:
            RingfenceCallError: when the first event, or a later one, is asked for.
        """
        request = generate_request(prompt, **options)
        return self._stream(self._inference.Generate, request, stream_timeout_s(request))

    async def generate_text(self, prompt: Prompt, **options: Unpack[RequestOptions]) -> Answer:
        """Run one request and return its whole answer."""
        collector = Collector()
        async for event in self.generate(prompt, **options):
            collector.add(event)
        return collector.answer()

    async def plan(self, prompt: Prompt, **options: Unpack[RequestOptions]) -> inference.PlanResponse:
        """Classify, decide and price a request without running it."""
        return await self._call(
            self._inference.Plan, inference.PlanRequest(request=generate_request(prompt, **options))
        )

    async def count_tokens(self, prompt: Prompt, **options: Unpack[RequestOptions]) -> inference.CountTokensResponse:
        """Count the tokens of a prompt on a local model."""
        request = generate_request(prompt, **options)
        return await self._call(
            self._inference.CountTokens,
            inference.CountTokensRequest(model=request.model, messages=request.messages, tools=request.tools),
        )

    async def embed(self, inputs: Sequence[str], **options: Unpack[EmbedOptions]) -> inference.EmbedResponse:
        """Embed texts; the answer has one embedding for each, in their order."""
        return await self._call(self._inference.Embed, embed_request(inputs, **options))

    async def feedback(self, request_id: str, score: float, reason: str = "") -> None:
        """Tell how good an earlier answer was: from 0 (useless) to 1 (right)."""
        await self._call(
            self._inference.Feedback, inference.FeedbackRequest(request_id=request_id, score=score, reason=reason)
        )

    async def routing(self) -> admin.GetRoutingResponse:
        """What was learned of the models' answers. Role: operator or auditor."""
        return await self._call(self._routing.GetRouting, admin.GetRoutingRequest())

    async def forget_routing(self, model: str = "") -> int:
        """Forget what is known of one model's answers, or all where none is named; how many. Role: operator."""
        request = admin.ForgetRoutingRequest(model=model, all=not model)
        return (await self._call(self._routing.ForgetRouting, request)).answers

    async def models(self) -> list[admin.Model]:
        """The models of this node and of the providers it may use."""
        return list((await self._call(self._models.ListModels, admin.ListModelsRequest())).models)

    def watch_models(self) -> AsyncGenerator[admin.WatchModelsResponse]:
        """The state of all models, and again whenever something of it changes."""
        return self._stream(self._models.WatchModels, admin.WatchModelsRequest(), None)

    def load_model(self, name: str) -> AsyncGenerator[admin.LoadModelResponse]:
        """Load a model of this node; how far it is. Role: operator."""
        return self._stream(self._models.LoadModel, admin.LoadModelRequest(name=name), None)

    def replace_model(self, name: str, library: str) -> AsyncGenerator[admin.ReplaceModelResponse]:
        """Put weights of the node's library in a model's place, without failing a request. Role: operator."""
        request = admin.ReplaceModelRequest(name=name, library=library)
        return self._stream(self._models.ReplaceModel, request, None)

    async def unload_model(self, name: str, *, force: bool = False) -> admin.Model:
        """Take a model out of memory once its requests have ended, or at once. Role: operator."""
        request = admin.UnloadModelRequest(name=name, force=force)
        return (await self._call(self._models.UnloadModel, request, patient=True)).model

    async def devices(self) -> list[admin.Device]:
        """The node's devices. Role: operator."""
        return list((await self._call(self._nodes.ListDevices, admin.ListDevicesRequest())).devices)

    def watch_node(self, interval_ms: int = 0) -> AsyncGenerator[admin.WatchNodeResponse]:
        """The node's devices and models, at once and then every so many milliseconds. Role: operator.

        Args:
            interval_ms: at least 100; 0 leaves it to the daemon.
        """
        return self._stream(self._nodes.WatchNode, admin.WatchNodeRequest(interval_ms=interval_ms), None)

    async def health(self) -> admin.GetHealthResponse:
        """What is well and what is not. Role: operator."""
        return await self._call(self._nodes.GetHealth, admin.GetHealthRequest())

    async def wallet(self, department: str = "") -> admin.Wallet:
        """A department's credits; the caller's own where none is named."""
        return (await self._call(self._wallets.GetWallet, admin.GetWalletRequest(department=department))).wallet

    async def wallets(self) -> list[admin.Wallet]:
        """Every department's credits. Role: operator."""
        return list((await self._call(self._wallets.ListWallets, admin.ListWalletsRequest())).wallets)

    async def lockdown(self) -> admin.LockdownState:
        """The emergency stop of egress as it stands. Role: operator or auditor."""
        return (await self._call(self._lockdown.GetLockdown, admin.GetLockdownRequest())).state

    async def set_lockdown(self, order: admin.SetLockdownRequest) -> admin.LockdownState:
        """Order that nothing leaves, or that it may again; what stands afterwards. Role: operator.

        Where the agent asks for several operators, the order may still wait for others: `confirmations_missing`. Where
        it asks for signatures, a lift bears one of `ringfence.lift`.
        """
        return (await self._call(self._lockdown.SetLockdown, order)).state

    async def policy(self) -> admin.GetPolicyResponse:
        """The policy in force: its source and the source's digest. Role: operator or auditor."""
        return await self._call(self._policy.GetPolicy, admin.GetPolicyRequest())

    async def reload_policy(self) -> str:
        """Have the policy's files read again; the digest of what is in force. Role: operator."""
        return (await self._call(self._policy.ReloadPolicy, admin.ReloadPolicyRequest())).digest

    async def test_policy(self, cases: Sequence[admin.PolicyCase]) -> Sequence[admin.PolicyCaseResult]:
        """What the policy in force makes of cases, the built-in rules included. Role: operator."""
        return (await self._call(self._policy.TestPolicy, admin.TestPolicyRequest(cases=cases))).results

    async def rotate_provider_key(self, provider: str) -> admin.RotateProviderKeyResponse:
        """Have the agent read a provider's API key anew from where it lies. Role: operator."""
        return await self._call(self._keys.RotateProviderKey, admin.RotateProviderKeyRequest(provider=provider))

    def entries(self, query: audit.SearchEntriesRequest) -> AsyncGenerator[audit.SearchEntriesResponse]:
        """Entries of the egress log that match, oldest first. Role: auditor."""
        return self._stream(self._audit.SearchEntries, query, None)

    def watch_entries(self, from_index: int) -> AsyncGenerator[audit.WatchEntriesResponse]:
        """Entries of the egress log from an index on, then further ones as they are written. Role: auditor."""
        return self._stream(self._audit.WatchEntries, audit.WatchEntriesRequest(from_index=from_index), None)

    async def entry(self, index: int, tree_size: int = 0) -> EntryProof:
        """One entry with its inclusion proof; not verified here. Role: auditor."""
        return (await self._call(self._audit.GetEntry, audit.GetEntryRequest(index=index, tree_size=tree_size))).proof

    async def checkpoint(self) -> audit.GetCheckpointResponse:
        """The newest checkpoint, and the newest that the daemon witnessed; not verified here. Role: auditor."""
        return await self._call(self._audit.GetCheckpoint, audit.GetCheckpointRequest())

    async def consistency(self, old_size: int, new_size: int = 0) -> audit.GetConsistencyResponse:
        """The proof that one tree is a prefix of another; not verified here. Role: auditor."""
        request = audit.GetConsistencyRequest(old_size=old_size, new_size=new_size)
        return await self._call(self._audit.GetConsistency, request)

    async def _call(self, method: grpc.aio.UnaryUnaryMultiCallable[Q, R], request: Q, *, patient: bool = False) -> R:
        """One call; its error typed. A patient one waits as long as it takes."""
        try:
            return await method(request, timeout=None if patient else self._timeout_s)
        except grpc.RpcError as error:
            raise call_error(error) from None

    @staticmethod
    async def _stream(
        method: grpc.aio.UnaryStreamMultiCallable[Q, R], request: Q, timeout_s: float | None
    ) -> AsyncGenerator[R]:
        """One stream; its error typed; cancelled when its reader leaves."""
        try:
            async with reading(method(request, timeout=timeout_s)) as events:
                async for event in events:
                    yield event
        except grpc.RpcError as error:
            raise call_error(error) from None
