"""`ringfence policy show`: every policy in force, and nothing whose digest is not its own."""

from __future__ import annotations

import hashlib
import json

import pytest

from ringfence.v1.admin_pb2 import GetPolicyResponse
from ringfenced.cli.exits import Failure
from ringfenced.cli.output import Output
from ringfenced.cli.policyshow import show


def answer(**more):
    """What a daemon tells."""
    said = {"cedar": [{"name": "policy.cedar", "text": "permit(principal, action, resource);\n"}], "ceilings": []}
    source = json.dumps({"policy": said | more})
    return GetPolicyResponse(source=source, digest=hashlib.sha256(source.encode()).hexdigest())


def test_what_people_may_do_is_shown_with_the_rest(capsys):
    show(answer(), Output.of(as_json=False))
    assert "people.cedar" not in capsys.readouterr().out
    show(answer(people={"cedar": [{"name": "people.cedar", "text": "// nobody lifts\n"}]}), Output.of(as_json=False))
    said = capsys.readouterr().out
    assert said.index("policy.cedar") < said.index("people.cedar") < said.index("// nobody lifts")


def test_a_digest_that_is_not_the_source_s_is_not_trusted():
    told = answer()
    told.digest = "0" * 64
    with pytest.raises(Failure, match="do not trust it"):
        show(told, Output.of(as_json=False))
