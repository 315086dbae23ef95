"""`Policy`: what is in force, what it makes of a site's cases, and reading it again."""

from __future__ import annotations

from typing import Protocol

from ringfence.labels import Label
from ringfence.v1 import admin_pb2 as pb
from ringfence.v1 import admin_pb2_grpc as pb_grpc
from ringfence.wire import WireError, label_from
from ringfenced.api.call import Context, Door, answering
from ringfenced.errors import InvalidRequest, NotFound
from ringfenced.model import Caller, CallerRole
from ringfenced.nouns import Directory
from ringfenced.policy import Act
from ringfenced.policy.cases import SITE, Case, Tried

CASES_MAX = 1000
"""Most cases of one call: each is a whole decision."""


class Policies(Protocol):
    """The site's policy."""

    @property
    def source(self) -> str:
        """As an operator reads it."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of the source, hex."""
        ...

    def demand(self, caller: Caller, act: Act) -> None:
        """Pass if it lets a caller act; PermissionDenied otherwise."""
        ...

    def try_case(self, case: Case) -> Tried:
        """What comes of a case."""
        ...

    async def reload(self) -> str:
        """Read its files now; the digest of what is in force."""
        ...


class PolicyService(pb_grpc.PolicyServicer):
    """The policy in force."""

    def __init__(self, policies: Policies, directory: Directory, door: Door) -> None:
        """Wire."""
        self._policies = policies
        self._directory = directory
        self._door = door

    @answering
    async def GetPolicy(self, _request: pb.GetPolicyRequest, context: Context) -> pb.GetPolicyResponse:
        """Its source and digest."""
        self._door.admit(context, Act.SEE_POLICY, CallerRole.AUDITOR, CallerRole.OPERATOR)
        return pb.GetPolicyResponse(source=self._policies.source, digest=self._policies.digest)

    @answering
    async def TestPolicy(self, request: pb.TestPolicyRequest, context: Context) -> pb.TestPolicyResponse:
        """What it makes of cases, the built-in rules included."""
        caller = self._door.admit(context, Act.SEE_POLICY, CallerRole.OPERATOR)
        if len(request.cases) > CASES_MAX:
            raise InvalidRequest(f"cases: at most {CASES_MAX} in one call.", input_path="cases")
        cases = [self._case(case, place, caller) for place, case in enumerate(request.cases)]
        return pb.TestPolicyResponse(results=[_result(self._policies.try_case(case)) for case in cases])

    @answering
    async def ReloadPolicy(self, _request: pb.ReloadPolicyRequest, context: Context) -> pb.ReloadPolicyResponse:
        """Read its files now. Other worker processes of the node see a change within three seconds by themselves."""
        self._door.admit(context, Act.RELOAD_POLICY, CallerRole.OPERATOR)
        return pb.ReloadPolicyResponse(digest=await self._policies.reload())

    def _case(self, case: pb.PolicyCase, place: int, asking: Caller) -> Case:
        caller = self._directory.callers.get(case.caller) if case.caller else asking
        if caller is None:
            raise NotFound(
                f"cases[{place}].caller: this site knows no such identity.",
                reason="identity_unknown",
                input_path=f"cases[{place}].caller",
            )
        return Case(
            name=case.name,
            caller=caller,
            label=_label(case, place),
            to=case.target or case.provider or SITE,
            allowed=case.expect_allowed,
            rule=case.expect_rule,
            findings=frozenset(case.findings),
            deidentified=case.deidentified,
            task=case.task,
            source=case.source,
        )


def _label(case: pb.PolicyCase, place: int) -> Label:
    try:
        return label_from(case.label)
    except WireError as error:
        raise InvalidRequest(f"cases[{place}].label: {error}.", input_path=f"cases[{place}].label") from None


def _result(tried: Tried) -> pb.PolicyCaseResult:
    return pb.PolicyCaseResult(
        name=tried.case.name,
        passed=not tried.problem,
        reason=tried.problem or tried.reason,
        allowed=tried.allowed,
        rule=tried.rule,
        policies=tried.policies,
    )
