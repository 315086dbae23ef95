"""From the command line to the request, and from the request to what people and programs see."""

import json

import grpc
import pytest
from typer.testing import CliRunner

from fakes.daemon import Fail
from ringfence.v1 import inference_pb2 as inference
from ringfence.v1 import types_pb2 as types
from ringfenced.cli.app import app
from ringfenced.cli.asking import microcredits
from ringfenced.cli.exits import Failure

LOCAL = types.Target(kind=types.TARGET_KIND_LOCAL, model="tiny")
CLOUD = types.Target(kind=types.TARGET_KIND_PROVIDER, model="gpt", provider="cloud", region="eu")
CANDIDATES = [
    types.Candidate(
        target=LOCAL,
        chosen=True,
        rule="cost",
        reason="cheapest that is good enough",
        estimate=types.Estimate(cost_microcredits=900, cost_microcredits_max=4000),
    ),
    types.Candidate(target=CLOUD, rule="label", reason="RESTRICTED never leaves"),
]
LABEL = types.Label(level=types.LEVEL_RESTRICTED, categories=[types.CATEGORY_PHI])
DECISION = types.Decision(target=LOCAL, candidates=CANDIDATES, label=LABEL, ladder=[LOCAL])
FINISH = inference.Finish(reason=types.FINISH_REASON_STOP, usage=types.Usage(prompt_tokens=5, completion_tokens=2))
RECEIPT = types.Receipt(request_id="r-1", cost_microcredits=1500, findings_by_type={"MRN": 2}, ran=[LOCAL])


def event(**fields):
    return inference.GenerateResponse(**fields)


def text(piece):
    return event(text=inference.TextDelta(text=piece))


ANSWER = [event(decision=DECISION), text("Hel"), text("lo"), event(finish=FINISH), event(receipt=RECEIPT)]
LADDER = event(decision=types.Decision(target=LOCAL, label=LABEL, ladder=[LOCAL, CLOUD]))
UP = event(escalation=inference.Escalation(reason="below its floor", to=CLOUD, **{"from": LOCAL}))


def test_the_answer_goes_to_stdout_and_everything_else_to_stderr(daemon, ringfence):
    daemon.script["Generate"] = ANSWER
    result = ringfence("generate", "Hi")
    assert result.exit_code == 0
    assert result.stdout == "Hello\n"
    for piece in (
        "local:tiny",
        "RESTRICTED {PHI}",
        "RESTRICTED never leaves",
        "r-1",
        "0.0009 (max 0.004)",
        "0.0015",
        "MRN 2",
        "nothing",
    ):
        assert piece in result.stderr


def test_every_option_reaches_the_wire(daemon, ringfence, tmp_path):
    daemon.script["Generate"] = ANSWER
    (tmp_path / "schema.json").write_text('{"type": "object"}')
    options = "--model tiny --label restricted --category phi --category PII --allow-deidentified --local-only"
    options += " --provider a --provider b --region eu --ceiling 0.05 --ladder 2 --quality 0.5 --task note"
    options += " --max-tokens 9 --temperature 0 --seed 3 --stop END --deadline 2.5 --source laboratory"
    options += " --evaluator a --evaluator b"
    result = ringfence("generate", *options.split(), "--schema", str(tmp_path / "schema.json"), "Hi")
    assert result.exit_code == 0
    expected = inference.GenerateRequest(
        model="tiny",
        messages=[types.Message(role=types.ROLE_USER, parts=[types.Part(text="Hi")])],
        response_format=types.ResponseFormat(json_schema='{"type": "object"}'),
        sampling=types.Sampling(temperature=0, seed=3, tokens_max=9, stop=["END"]),
        label=types.Label(level=types.LEVEL_RESTRICTED, categories=[types.CATEGORY_PHI, types.CATEGORY_PII]),
        permission=types.Permission(
            deidentified_egress=True,
            local_only=True,
            providers=["a", "b"],
            regions=["eu"],
            cost_microcredits_max=50_000,
            ladder_length_max=2,
        ),
        task=types.Task(name="note", quality_min=0.5, evaluators=["a", "b"]),
        deadline_ms=2500,
        source="laboratory",
    )
    assert daemon.requests == [("Generate", expected)]


def test_unsaid_things_stay_unset(daemon, ringfence):
    daemon.script["Generate"] = ANSWER
    ringfence("generate", "Hi")
    request = daemon.requests[0][1]
    assert not request.HasField("label")
    assert request.permission == types.Permission()
    assert request.sampling == types.Sampling()


@pytest.mark.parametrize(
    ("arguments", "stdin"), [(["-f", "PATH"], ""), ([], "from a file"), (["-"], b"\xef\xbb\xbffrom a file")]
)
def test_the_prompt_comes_from_a_file_or_standard_input(daemon, ringfence, tmp_path, *, arguments, stdin):
    daemon.script["Generate"] = ANSWER
    (tmp_path / "prompt").write_text("from a file")
    arguments = [str(tmp_path / "prompt") if each == "PATH" else each for each in arguments]
    assert ringfence("generate", *arguments, input=stdin).exit_code == 0
    assert daemon.requests[0][1].messages[0].parts[0].text == "from a file"


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["Hi", "-f", "x"], "", "twice"),
        (["-f", "/nowhere/x"], "", "cannot read /nowhere/x"),
        ([], "  \n", "empty"),
        ([], b"caf\xe9", "byte 3"),
        (["Hi", "--ceiling", "-1"], "", "--ceiling"),
        (["Hi", "--label", "secret"], "", "secret"),
        (["Hi", "--deadline", "99999999"], "", "deadline"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(daemon, ringfence, *, arguments, stdin, said):
    result = ringfence("generate", *arguments, input=stdin)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "caf" not in result.stderr
    assert daemon.requests == []


def test_json_is_one_event_a_line_in_proto_json(daemon, ringfence):
    daemon.script["Generate"] = ANSWER
    result = ringfence("generate", "--json", "Hi")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [next(iter(line)) for line in lines] == ["decision", "text", "text", "finish", "receipt"]
    assert lines[0]["decision"]["candidates"][0]["target"]["kind"] == "TARGET_KIND_LOCAL"
    assert lines[4]["receipt"]["costMicrocredits"] == "1500"
    assert lines[4]["receipt"]["egress"] == []
    assert result.stderr == ""


def test_a_pipe_never_gets_what_a_later_rung_voids(daemon, ringfence):
    daemon.script["Generate"] = [LADDER, text("wro"), text("ng"), UP, text("right"), *ANSWER[3:]]
    result = ringfence("generate", "Hi")
    assert result.stdout == "right\n"
    assert "escalated: local:tiny to cloud/gpt (eu), below its floor" in result.stderr


def test_what_was_said_of_each_answer_is_shown(daemon, ringfence):
    tiny = types.Target(kind=types.TARGET_KIND_LOCAL, model="tiny")
    verdicts = [
        types.Verdict(target=tiny, evaluator="arithmetic", score=0.5, reason="1 of 2 calculations are wrong"),
        types.Verdict(target=tiny, evaluator="agreement", score=1.0, good=True),
    ]
    daemon.script["Generate"] = [*ANSWER[:4], event(receipt=types.Receipt(request_id="r-2", verdicts=verdicts))]
    told = ringfence("generate", "Hi").stderr
    assert "local:tiny falls short: 1 of 2 calculations are wrong (arithmetic 0.50)" in told
    assert "local:tiny good enough (agreement 1.00)" in told


def test_tool_calls_are_shown(daemon, ringfence):
    delta = inference.ToolCallDelta(index=0, id="c1", name="lookup", arguments_json='{"case": 7}')
    daemon.script["Generate"] = [ANSWER[0], event(tool_call=delta), *ANSWER[3:]]
    assert "lookup" in ringfence("generate", "Hi").stdout


def test_what_left_names_its_log_entries(daemon, ringfence):
    receipt = types.Receipt(request_id="r-2", egress=[types.EntryProof(index=7), types.EntryProof(index=8)])
    daemon.script["Generate"] = [*ANSWER[:4], event(receipt=receipt)]
    assert "log #7, #8" in ringfence("generate", "Hi").stderr


def test_a_refusal_shows_its_decision_and_exits_with_3(daemon, ringfence):
    decision = types.Decision(candidates=CANDIDATES[1:], label=LABEL)
    detail = types.ErrorDetail(reason="refused", step=3, decision=decision)
    daemon.script["Generate"] = [Fail(grpc.StatusCode.FAILED_PRECONDITION, "no target is open", detail)]
    result = ringfence("generate", "Hi")
    assert result.exit_code == 3
    assert result.stdout == ""
    for piece in ("no target is open", "RESTRICTED never leaves", "step 3 (decide)"):
        assert piece in result.stderr


def test_an_error_is_one_line_of_json_too(daemon, ringfence):
    detail = types.ErrorDetail(reason="wallet_empty", numbers={"needed": 12, "available": 8})
    daemon.script["Generate"] = [ANSWER[0], Fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "12 needed, 8 left", detail)]
    result = ringfence("generate", "--json", "Hi")
    assert result.exit_code == 4
    last = json.loads(result.stdout.splitlines()[-1])["error"]
    assert (last["exitCode"], last["status"], last["reason"]) == (4, "RESOURCE_EXHAUSTED", "wallet_empty")
    assert last["detail"]["numbers"] == {"needed": "12", "available": "8"}


def test_a_stream_that_breaks_its_order_fails(daemon, ringfence):
    daemon.script["Generate"] = ANSWER[:3]
    assert ringfence("generate", "Hi").exit_code == 1


FINDING = types.Finding(
    entity_type="MRN", path="messages[0].parts[0].text", start=4, end=11, score=0.9, recogniser="pattern:mrn"
)
PLAN = inference.PlanResponse(
    label=LABEL,
    findings=[FINDING],
    decision=DECISION,
    label_deidentified=types.Label(level=types.LEVEL_INTERNAL),
    wallet_available_microcredits=2_500_000,
    contributions=[
        types.Contribution(
            contributor=types.CONTRIBUTOR_SOURCE,
            name="laboratory",
            label=types.Label(level=types.LEVEL_INTERNAL),
            stays=True,
        ),
        types.Contribution(contributor=types.CONTRIBUTOR_FINDING, name="MRN", count=2, label=LABEL),
    ],
)


def test_a_plan_shows_label_findings_and_every_target(daemon, ringfence):
    daemon.script["Plan"] = [PLAN]
    result = ringfence("plan", "--allow-deidentified", "Hi")
    assert result.exit_code == 0
    for piece in (
        "RESTRICTED {PHI}",
        "INTERNAL",
        "2.50",
        "MRN",
        "messages[0].parts[0].text",
        "local:tiny",
        "cloud/gpt",
        "what made the label",
    ):
        assert piece in result.stdout
    made = [line.split() for line in result.stdout.splitlines() if line.split()[:1] in (["source"], ["finding"])]
    assert made == [["source", "laboratory", "INTERNAL", "yes"], ["finding", "MRN", "2", "RESTRICTED", "{PHI}"]]
    assert daemon.requests[0][1].request.permission.deidentified_egress


def test_a_plan_shows_what_was_found_only_when_asked(daemon, ringfence):
    """The text comes from the prompt that was typed, never from the daemon."""
    found = types.Finding(entity_type="MRN", path="messages[0].parts[0].text", start=4, end=9)
    daemon.script["Plan"] = [inference.PlanResponse(findings=[found], decision=DECISION)]
    assert "00482" not in ringfence("plan", "MRN 00482 is here").stdout
    daemon.script["Plan"] = [inference.PlanResponse(findings=[found], decision=DECISION)]
    assert "00482" in ringfence("plan", "--values", "MRN 00482 is here").stdout


def test_a_plan_in_json_is_the_message(daemon, ringfence):
    daemon.script["Plan"] = [PLAN]
    told = json.loads(ringfence("plan", "--json", "Hi").stdout)
    assert told["findings"][0]["entityType"] == "MRN"
    assert told["walletAvailableMicrocredits"] == "2500000"


def test_no_daemon_is_unavailable(certs):
    arguments = ["--target", "localhost:1", "--certs", str(certs), "--as", "caller-ward", "plan", "Hi"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 6
    assert "--target" in result.stderr


@pytest.mark.parametrize(("typed", "amount"), [("0", 0), ("0.05", 50_000), ("1e-6", 1), ("12", 12_000_000)])
def test_credits_are_counted_in_whole_millionths(typed, amount):
    assert microcredits(typed) == amount


@pytest.mark.parametrize("typed", ["", "x", "-1", "0.0000001", "nan", "inf", "1e40", "1e999999999"])
def test_what_is_no_amount_is_refused(typed):
    with pytest.raises(Failure):
        microcredits(typed)
