"""The agent's judgement: one rule at a time, then all together."""

import dataclasses
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ringfence import permit
from ringfence.labels import Category, Label, Level
from ringfence.permit import Permit, Statement
from ringfence.reasons import CHEAPEST, OTHER
from ringfence.recognize.finding import Finding
from ringfence.v1 import egress_pb2, types_pb2
from ringfence_agent import gate
from ringfence_agent.gate import Circumstances, Destination, Rules, Submission, still, verify
from ringfence_agent.payload import PayloadError
from ringfence_agent.policy import Ruling
from ringfence_agent.price import Price
from ringfence_agent.providers import openai_body

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
NOW = 1_800_000_000_000
INTERNAL = Label(Level.INTERNAL)


def residual(text):
    """Finds the word SECRET and dates of one year."""
    return [
        Finding(text.index(word), text.index(word) + len(word), kind, 1.0, "test")
        for word, kind in (("SECRET", "SSN"), ("2026-", "DATE"))
        if word in text
    ]


def label_of(findings):
    return Label(Level.CONFIDENTIAL, frozenset({Category.PII})) if list(findings) else Label()


RULES = Rules(
    permit_keys={"k": KEY.public_key()},
    destinations={
        ("cloud", "gpt"): Destination(
            provider="cloud",
            model="gpt",
            wire_model="gpt-2026-01-02",
            region="eu",
            contract="DPA",
            clearance=INTERNAL,
            body_bytes_max=1000,
            seconds_max=10.0,
            encode=lambda payload: openai_body.encode(payload, "gpt-2026-01-02", "max_tokens"),
        )
    },
    residual=residual,
    label_of=label_of,
    policy=lambda _facts: Ruling(allowed=True, policies=("cleared",)),
)


RULES_WIDE = dataclasses.replace(
    RULES,
    destinations={key: dataclasses.replace(one, body_bytes_max=10**6) for key, one in RULES.destinations.items()},
)
"""For long bodies."""


def calm(**changes):
    return dataclasses.replace(Circumstances(NOW, lambda _nonce: False), **changes)


def payload(*texts, build=None):
    message = egress_pb2.EgressPayload()
    one = message.messages.add(role=2)
    for text in texts or ("What?",):
        one.parts.add(text=text)
    if build:
        build(message)
    return message.SerializeToString()


def submission(data=None, **changes):
    data = payload() if data is None else data
    statement = Statement(
        payload_sha256=hashlib.sha256(data).digest(),
        payload_bytes=len(data),
        provider="cloud",
        model="gpt",
        label=Label(),
        label_before=Label(),
        caller_pseudonym="c",
        department="d",
        request_id="r",
        issued_at_unix_ms=NOW,
        expires_at_unix_ms=NOW + permit.LIFETIME_MS,
        nonce=bytes(16),
        key_id="k",
    )
    return Submission(permit.sign(dataclasses.replace(statement, **changes), KEY), data)


def judge(asked, by, circumstances):
    """Both halves, as `release` puts them together."""
    verified = verify(asked, by, circumstances)
    return verified if verified.reasons else gate.judge(verified.statement, asked.payload, by)


def rules(verdict):
    return [reason.rule for reason in verdict.reasons]


def test_what_breaks_no_rule_may_leave_with_exactly_this_body():
    verdict = judge(submission(), RULES, calm())
    assert rules(verdict) == []
    assert verdict.body == (
        b'{"model":"gpt-2026-01-02","messages":[{"role":"user","content":"What?"}],'
        b'"stream":true,"stream_options":{"include_usage":true}}'
    )


def test_every_failed_rule_is_told_in_order():
    """One submission that breaks all rules which are looked at together."""
    data = payload("SECRET " + "x" * 1000)
    verdict = judge(submission(data, label=Label(Level.RESTRICTED)), RULES, calm())
    assert rules(verdict) == ["label", "residual", "size"]
    assert verdict.body == b""
    assert verdict.findings == {"SSN": 1}
    verdict = judge(submission(data, model="other"), RULES, calm())
    assert rules(verdict) == ["destination", "residual"]


def test_without_a_permit_nothing_else_is_looked_at_or_believed():
    good = submission(payload("SECRET"))
    forged = Submission(Permit(good.permit.statement, bytes(64)), good.payload)
    verdict = judge(forged, RULES, calm())
    assert (rules(verdict), verdict.statement, verdict.findings) == (["permit.signature"], None, {})


def test_a_nonce_that_was_seen_is_refused_and_the_statement_is_known():
    verdict = judge(submission(), RULES, calm(used=lambda nonce: nonce == bytes(16)))
    assert rules(verdict) == ["permit.replayed"]
    assert verdict.statement is not None


@pytest.mark.parametrize(
    ("late_ms", "lockdown", "expected"),
    [
        (permit.SKEW_MS - 1, False, []),
        (permit.SKEW_MS, False, ["permit.freshness"]),
        (0, True, ["lockdown"]),
        (permit.SKEW_MS, True, ["permit.freshness", "lockdown"]),
    ],
)
def test_what_time_changes_is_judged_again_by_the_same_measure(late_ms, lockdown, expected):
    """A permit that the first judgement would still accept is accepted by the second."""
    asked = submission()
    statement = judge(asked, RULES, calm()).statement
    now = statement.expires_at_unix_ms + late_ms
    assert [reason.rule for reason in still(statement, now, lockdown=lockdown)] == expected
    assert ("permit.freshness" in rules(judge(asked, RULES, calm(now_unix_ms=now)))) == ("permit.freshness" in expected)


@pytest.mark.parametrize(
    ("said", "repeated"), [("", ""), (CHEAPEST, CHEAPEST), ("cheapest for SECRET", OTHER), ("JohnSmith", OTHER)]
)
def test_of_the_daemons_reasons_only_those_that_are_known_are_repeated(said, repeated):
    """They stand in the log, which others read; whatever it says, an honest payload goes on its way."""
    verdict = judge(submission(decision_reason=said), RULES, calm())
    assert (rules(verdict), verdict.statement.decision_reason) == ([], repeated)


def test_names_that_nobody_configured_are_not_repeated():
    verdict = judge(submission(provider="A4839217", model="Smith"), RULES, calm())
    assert rules(verdict) == ["destination"]
    assert (verdict.statement.provider, verdict.statement.model) == ("unknown", "unknown")


def test_a_document_in_a_document_is_taken_apart_too():
    inner = json.dumps({"note": "SEC\tRET"}).replace("SEC\\tRET", "\\u0053ECRET")
    assert rules(judge(submission(payload(json.dumps({"p": json.dumps({"q": inner})}))), RULES, calm())) == ["residual"]


def test_what_a_payload_says_only_with_what_left_before_is_refused():
    verdict = judge(submission(), RULES, calm())
    assert gate.together(verdict, [], RULES) == ()
    assert gate.together(verdict, ["What?"], RULES) == ()
    (reason,) = gate.together(verdict, ["SECRET"], RULES)
    assert reason.rule == "residual.together"


def test_findings_within_the_clearance_may_leave_and_are_counted():
    cleared = dataclasses.replace(
        RULES.destinations["cloud", "gpt"], clearance=Label(Level.CONFIDENTIAL, frozenset({Category.PII}))
    )
    verdict = judge(
        submission(payload("SECRET")), dataclasses.replace(RULES, destinations={("cloud", "gpt"): cleared}), calm()
    )
    assert (rules(verdict), verdict.findings) == ([], {"SSN": 1})


def test_restricted_never_leaves_even_where_the_clearance_says_restricted():
    cleared = dataclasses.replace(
        RULES.destinations["cloud", "gpt"], clearance=Label(Level.RESTRICTED, frozenset(Category))
    )
    open_rules = dataclasses.replace(RULES, destinations={("cloud", "gpt"): cleared})
    assert rules(judge(submission(label=Label(Level.RESTRICTED)), open_rules, calm())) == ["label"]
    found = dataclasses.replace(open_rules, label_of=lambda _findings: Label(Level.RESTRICTED))
    assert rules(judge(submission(payload("SECRET")), found, calm())) == ["residual"]


def test_the_models_name_on_the_wire_comes_from_the_configuration_and_is_not_scanned():
    """It holds a date; a date in the payload is found all the same."""
    assert rules(judge(submission(), RULES, calm())) == []
    assert rules(judge(submission(payload("on 2026-05-05")), RULES, calm())) == ["residual"]


SECRET_AS_JSON = '{"a":"\\u0053ECRET"}'


@pytest.mark.parametrize(
    "build",
    [
        lambda m: m.messages[0].parts.add(json=SECRET_AS_JSON),
        lambda m: m.messages[0].parts.add(text=SECRET_AS_JSON),
        lambda m: m.messages[0].parts.add(json='{"a":"\\u0053ECRET","a":"x"}'),
        lambda m: m.messages[0].parts.add(json='{"\\u0053ECRET":1}'),
        lambda m: (
            m.messages[0]
            .parts.add()
            .file.MergeFromString(
                egress_pb2.EgressPayload().messages.add().parts.add().file.SerializeToString()
                or b"\x0a\x06SECRET\x12\x0atext/plain"
            )
        ),
        lambda m: (m.messages[0].parts.add(text="SEC"), m.messages[0].parts.add(text="RET")),
        lambda m: setattr(m.messages[0], "name", "SECRET"),
        lambda m: setattr(m.messages[0], "tool_call_id", "SECRET"),
        lambda m: m.messages.add(role=3).tool_calls.add(id="1", name="f", arguments_json=SECRET_AS_JSON),
        lambda m: m.messages.add(role=3).tool_calls.add(id="SECRET", name="f", arguments_json="{}"),
        lambda m: m.tools.add(name="SECRET"),
        lambda m: m.tools.add(name="f", description="SECRET"),
        lambda m: m.tools.add(name="f", parameters_json_schema=SECRET_AS_JSON),
        lambda m: setattr(m.tool_choice, "name", "SECRET"),
        lambda m: setattr(m.response_format, "json_schema", SECRET_AS_JSON),
        lambda m: setattr(m.response_format, "name", "SECRET"),
        lambda m: m.sampling.stop.append("SECRET"),
    ],
)
def test_every_place_for_a_string_is_scanned(build):
    verdict = judge(submission(payload(build=build)), RULES, calm())
    assert rules(verdict) == ["residual"]


def test_the_body_is_scanned_too_and_not_only_what_it_was_made_from():
    """An encoder that adds something of its own, or puts together what stood apart."""
    adds = dataclasses.replace(RULES.destinations["cloud", "gpt"], encode=lambda _payload: b'{"user":"SEC\\u0052ET"}')
    verdict = judge(submission(), dataclasses.replace(RULES, destinations={("cloud", "gpt"): adds}), calm())
    assert rules(verdict) == ["residual"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        payload() + b"\xfa\x07\x05smugg",
        payload(build=lambda m: m.messages[0].parts.add(json="{")),
        payload(build=lambda m: m.messages[0].parts.add(json="[" * 100_000)),
        payload(build=lambda m: m.tools.add(name="f", parameters_json_schema="nope")),
        payload(build=lambda m: setattr(m.messages[0].parts.add().image, "data", b"x")),
        payload(build=lambda m: setattr(m.messages[0].parts.add().file, "media_type", "application/pdf")),
        payload(build=lambda m: m.messages.add(role=0)),
        payload(build=lambda m: m.messages.add(role=9)),
        payload(build=lambda m: m.messages[0].parts.add()),
        payload(build=lambda m: m.messages[0].parts.add(json='{"a":' * 65 + "1" + "}" * 65)),
        payload(build=lambda m: m.messages[0].parts.add(json='"\\udc00"')),
        payload(build=lambda m: m.tools.add(name="f", parameters_json_schema='{"a":["\\ud800"]}')),
        payload(build=lambda m: m.tools.add(name="f", parameters_json_schema='{"a":NaN}')),
        payload(build=lambda m: setattr(m.response_format, "json_schema", '{"a":1e999}')),
        payload(build=lambda m: setattr(m.response_format, "json_schema", "[" * 990 + "]" * 990)),
        payload(build=lambda m: setattr(m.sampling, "temperature", float("nan"))),
        payload(build=lambda m: setattr(m.sampling, "top_p", 5.2471)),
        payload(build=lambda m: setattr(m.sampling, "frequency_penalty", float("-inf"))),
        payload(build=lambda m: setattr(m.sampling, "tokens_max", 524716038)),
        payload(build=lambda m: m.sampling.logit_bias.update({524716038: 1.0})),
        payload(build=lambda m: m.sampling.logit_bias.update({5: 524716038.0})),
        payload(build=lambda m: m.sampling.logit_bias.update(dict.fromkeys(range(33), 1.0))),
        payload(build=lambda m: setattr(m.tool_choice, "mode", 9)),
    ],
)
def test_what_cannot_be_read_whole_is_refused(data):
    assert rules(judge(submission(data), RULES, calm())) == ["payload"]


@given(st.binary(max_size=300))
def test_no_payload_makes_the_gate_raise(data):
    verdict = judge(submission(data), RULES, calm())
    assert verdict.reasons or verdict.body


@given(st.text(max_size=200))
def test_what_leaves_says_what_was_asked_and_nothing_is_lost(text):
    """Any text comes out of the body as it went in, or is refused."""
    verdict = judge(submission(payload(text)), RULES, calm())
    if not verdict.reasons:
        assert json.loads(verdict.body)["messages"] == [{"role": "user", "content": text}]


def test_the_policy_is_asked_about_what_the_floor_lets_pass_and_its_no_is_final():
    asked = []

    def policy(facts):
        asked.append(facts)
        return Ruling(allowed=False, policies=("no drafts",))

    strict = dataclasses.replace(RULES, policy=policy)
    verdict = judge(submission(payload("What?", build=lambda m: m.tools.add(name="f"))), strict, calm())
    assert (rules(verdict), verdict.policies, verdict.body) == (["policy"], ("no drafts",), b"")
    assert "no drafts" in verdict.reasons[0].message
    (facts,) = asked
    assert (facts.caller, facts.department, facts.provider, facts.model, facts.tools) == (
        "c",
        "d",
        "cloud",
        "gpt",
        True,
    )
    assert facts.bytes_out > 0
    assert rules(judge(submission(label=Label(Level.RESTRICTED)), strict, calm())) == ["label"]
    assert len(asked) == 1


def test_the_estimate_is_the_agents_own_where_the_daemon_says_less():
    priced = dataclasses.replace(RULES.destinations["cloud", "gpt"], price=Price(1000, 10_000, 5))
    own = dataclasses.replace(RULES, destinations={("cloud", "gpt"): priced})
    verdict = judge(submission(cost_microcredits_max=1), own, calm())
    assert verdict.cost_microcredits_max == len(verdict.body) + 50
    assert judge(submission(cost_microcredits_max=10**6), own, calm()).cost_microcredits_max == 10**6
    assert judge(submission(cost_microcredits_max=7), RULES, calm()).cost_microcredits_max == 7


def embedding(*texts):
    return egress_pb2.EgressPayload(embedding_inputs=texts).SerializeToString()


EMBEDS = dataclasses.replace(
    RULES,
    destinations={("cloud", "gpt"): dataclasses.replace(RULES.destinations["cloud", "gpt"], task="embeddings")},
)


def test_texts_to_embed_are_judged_like_any_other():
    """Each of them, and what they say together."""
    verdict = judge(submission(embedding("a", "b")), EMBEDS, calm())
    assert rules(verdict) == []
    assert json.loads(verdict.body)["input"] == ["a", "b"]
    for texts in (("SECRET",), ("SEC", "RET"), (SECRET_AS_JSON,)):
        assert rules(judge(submission(embedding(*texts)), EMBEDS, calm())) == ["residual"]


def test_a_model_is_asked_for_its_own_task_alone():
    """What does not fit has no body, and is scanned all the same."""
    verdict = judge(submission(embedding("a")), RULES, calm())
    assert (rules(verdict), verdict.body) == (["destination"], b"")
    assert "configured for chat, not embeddings" in verdict.reasons[0].message
    assert rules(judge(submission(payload("SECRET")), EMBEDS, calm())) == ["destination", "residual"]


PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))


def test_an_approved_picture_may_leave_and_is_told_to_the_policy():
    """By its exact bytes; its Base64 is known and not scanned, and what a site did not approve is no payload."""
    asked = []

    def policy(facts):
        asked.append(facts.pictures)
        return Ruling(allowed=True, policies=())

    def residual_of_base64(text):
        return residual(text) or ([Finding(0, 1, "SECRET", 1.0, "test")] if "iVBOR" in text else [])

    data = payload("See:", build=lambda m: m.messages[0].parts.add().image.MergeFromString(image(PNG)))
    approving = dataclasses.replace(
        RULES,
        residual=residual_of_base64,
        pictures=frozenset({hashlib.sha256(PNG).hexdigest()}),
        policy=policy,
    )
    verdict = judge(submission(data), approving, calm())
    assert rules(verdict) == []
    assert b"data:image/png;base64,iVBOR" in verdict.body
    judge(submission(), approving, calm())
    assert asked == [True, False]
    other = dataclasses.replace(approving, pictures=frozenset({"0" * 64}))
    assert rules(judge(submission(data), other, calm())) == ["payload"]


def image(data):
    return types_pb2.Image(data=data, media_type="image/png").SerializeToString()


def test_what_a_provider_has_no_words_for_is_no_payload():
    def encode(_payload):
        raise PayloadError("it has no words for this")

    mute = dataclasses.replace(RULES.destinations["cloud", "gpt"], encode=encode)
    verdict = judge(submission(), dataclasses.replace(RULES, destinations={("cloud", "gpt"): mute}), calm())
    assert (rules(verdict), verdict.reasons[0].message) == (["payload"], "it has no words for this")


def test_numbers_leave_coarse_so_that_the_rest_carries_nothing():
    def build(message):
        message.sampling.temperature = 0.7123456
        message.sampling.seed = 524_716_038
        message.sampling.tokens_max = 4_716
        message.sampling.logit_bias[3] = -1.23456789

    body = json.loads(judge(submission(payload(build=build)), RULES, calm()).body)
    assert (body["temperature"], body["logit_bias"]) == (0.71, {"3": -1})
    assert (body["seed"], body["max_tokens"]) == (38, 4_700)


def test_a_text_of_nothing_but_brackets_is_read_as_text():
    """Too deep for a parser; it hides nothing, and no reader of it fails."""
    assert rules(judge(submission(payload("[" * 100_000)), RULES_WIDE, calm())) == []
    assert rules(judge(submission(payload("[" * 990 + '"SECRET"' + "]" * 990)), RULES_WIDE, calm())) == ["residual"]
