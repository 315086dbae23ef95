"""What an evaluator is given: the readable parts, and the last question."""

from fakes.cases import case
from ringfenced.evaluate.case import Case, question_of
from ringfenced.model import (
    Answer,
    File,
    Finish,
    FinishReason,
    Image,
    Json,
    Message,
    Prompt,
    Role,
    Text,
    ToolCall,
    Usage,
)

PROMPT = Prompt(
    (
        Message(Role.SYSTEM, (Text("be brief"),)),
        Message(Role.USER, (Text("first"),)),
        Message(Role.ASSISTANT, (Text("said"),)),
        Message(Role.USER, (Text("a"), Json('{"b": 1}'), Image(b"x", "image/png"), File(b"c", "text/plain", "", "c"))),
        Message(Role.TOOL, (Text("result"),), tool_call_id="1"),
    )
)
CASE = Case(PROMPT, Answer("12345", (ToolCall("1", "f", "{}"),)), Finish(FinishReason.STOP, Usage(0, 0)))


def test_the_question_is_the_last_message_of_a_user():
    assert question_of(PROMPT) == 'a\n{"b": 1}\nc'
    assert question_of(Prompt((Message(Role.SYSTEM, (Text("x"),)),))) == ""


def test_pictures_are_no_text():
    assert CASE.texts() == ("be brief", "first", "said", "a", '{"b": 1}', "c", "result")
    assert CASE.texts(Role.TOOL, Role.SYSTEM) == ("be brief", "result")


def test_how_long_reading_takes_counts_question_answer_and_calls():
    assert CASE.chars == sum(map(len, CASE.texts())) + 5 + 2


def test_neither_question_nor_answer_shows_when_a_case_is_printed():
    assert "secret" not in repr(case("secret", "secret"))
