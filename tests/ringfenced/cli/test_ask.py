"""How an answer is shown on a terminal: as it comes, but never raw."""

import io

from ringfence.v1 import inference_pb2 as inference
from ringfence.v1 import types_pb2 as types
from ringfenced.cli.ask import _Shown
from ringfenced.cli.output import Output

LOCAL = types.Target(kind=types.TARGET_KIND_LOCAL, model="tiny")
CLOUD = types.Target(kind=types.TARGET_KIND_PROVIDER, model="gpt", provider="cloud")
DECISION = inference.GenerateResponse(decision=types.Decision(target=LOCAL, ladder=[LOCAL, CLOUD]))
UP = inference.GenerateResponse(escalation=inference.Escalation(reason="weak", to=CLOUD, **{"from": LOCAL}))
FINISH = inference.GenerateResponse(finish=inference.Finish(reason=types.FINISH_REASON_STOP))
RECEIPT = inference.GenerateResponse(receipt=types.Receipt(request_id="r"))


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def shown(*events, stream):
    output = Output(as_json=False, stdout=stream, stderr=io.StringIO())
    answer = _Shown(output)
    for event in events:
        answer.show(event)
    return answer, output


def text(piece):
    return inference.GenerateResponse(text=inference.TextDelta(text=piece))


def test_a_terminal_sees_text_as_it_comes_even_on_a_ladder():
    _, output = shown(DECISION, text("par"), text("tial"), stream=Terminal())
    assert output.stdout.getvalue() == "partial"


def test_a_pipe_on_a_ladder_waits_for_the_finish():
    _, output = shown(DECISION, text("par"), text("tial"), stream=io.StringIO())
    assert output.stdout.getvalue() == ""


def test_control_characters_reach_a_pipe_but_no_terminal():
    for stream, expected in ((Terminal(), "a[2Jb\n"), (io.StringIO(), "a\x1b[2Jb\n")):
        answer, output = shown(DECISION, text("a\x1b[2Jb"), FINISH, RECEIPT, stream=stream)
        answer.end()
        assert output.stdout.getvalue() == expected


def test_a_terminal_is_told_that_what_stands_above_is_void():
    answer, output = shown(DECISION, text("wrong"), UP, text("right\n"), FINISH, RECEIPT, stream=Terminal())
    answer.end()
    assert output.stdout.getvalue() == "wrong\nright\n"
    assert "void" in output.stderr.getvalue()
