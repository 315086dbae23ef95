"""What the pure bodies of all families promise: nothing of a payload is lost, and nothing else comes in."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence_agent import documents
from ringfence_agent.payload import Message, Payload, PayloadError, Picture, Sampling, Tool, ToolCall
from ringfence_agent.providers import anthropic_body, bedrock_body, gemini_body, openai_body

MODEL = "wire-model-1"
ENCODE = {
    "openai": lambda payload: openai_body.encode(payload, MODEL, "max_tokens"),
    "anthropic": lambda payload: anthropic_body.encode(payload, MODEL, 4096),
    "gemini": lambda payload: gemini_body.encode(payload, MODEL),
    "gemini-3": lambda payload: gemini_body.encode(payload, "gemini-3-pro"),
    "bedrock": lambda payload: bedrock_body.encode(payload, MODEL),
}
FIXED = {
    "openai": """model messages role system user assistant tool content name type text image_url url tool_calls id
        function arguments tool_call_id stream stream_options include_usage tools description parameters tool_choice
        auto none required temperature top_p presence_penalty frequency_penalty seed max_tokens stop logit_bias
        response_format json_schema schema strict answer""",
    "anthropic": """model max_tokens messages role user assistant content type text image source base64 media_type data
        image/png tool_use tool_result id tool_use_id name input stream system temperature top_p stop_sequences tools
        description input_schema object tool_choice auto none any tool output_config format json_schema schema""",
    "gemini": """contents role user model parts text inlineData mimeType data image/png functionCall id name args
        functionResponse response output systemInstruction tools functionDeclarations description parametersJsonSchema
        toolConfig functionCallingConfig mode AUTO NONE ANY allowedFunctionNames generationConfig temperature topP
        presencePenalty frequencyPenalty seed maxOutputTokens stopSequences responseMimeType application/json
        responseJsonSchema thoughtSignature skip_thought_signature_validator""",
    "bedrock": """messages role user assistant content text image format png source bytes toolUse toolUseId name input
        toolResult system inferenceConfig maxTokens temperature topP stopSequences toolConfig tools toolSpec description
        inputSchema json type object toolChoice auto any tool outputConfig textFormat json_schema structure jsonSchema
        schema""",
}
LOST = {
    "openai": lambda payload: [],
    "anthropic": lambda payload: [*names(payload), payload.schema_name],
    "gemini": lambda payload: [*names(payload, but="tool"), payload.schema_name],
    "bedrock": lambda payload: names(payload),  # noqa: PLW0108 - defined below
}
"""What a family has no words for, and leaves out. With Gemini a tool's result bears its tool's name."""


def names(payload, but=""):
    spoken = {message.name for message in payload.messages if message.role == but}
    return {message.name for message in payload.messages} - spoken


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).map(lambda text: f"«{text}»")
objects = st.dictionaries(words, words, max_size=2).map(json.dumps)
optional = st.none() | st.floats(0, 1).map(lambda number: round(number, 4))
pictures = st.binary(min_size=1, max_size=9).map(lambda data: Picture(b"\x89PNG\r\n\x1a\n" + data, "image/png"))
calls = st.builds(ToolCall, id=words, name=words, arguments_json=objects)
messages = st.one_of(
    st.builds(Message, st.just("system"), st.tuples(words), words, st.just(()), st.just("")),
    st.builds(
        Message, st.just("user"), st.lists(words | pictures, min_size=1, max_size=3).map(tuple), words, st.just(()),
        st.just(""),
    ),
    st.builds(
        Message, st.just("assistant"), st.lists(words, max_size=2).map(tuple), words,
        st.lists(calls, max_size=2).map(tuple), st.just(""),
    ),
    st.builds(Message, st.just("tool"), st.lists(words, min_size=1, max_size=2).map(tuple), words, st.just(()), words),
)  # fmt: skip
tools = st.builds(Tool, name=words, description=words, parameters_json_schema=objects)
samplings = st.builds(
    Sampling,
    temperature=optional,
    top_p=optional,
    presence_penalty=optional,
    frequency_penalty=optional,
    seed=st.none() | st.integers(0, 2**32 - 1),
    tokens_max=st.none() | st.integers(1, 9999),
    stop=st.lists(words, max_size=2).map(tuple),
    logit_bias=st.just(()),
)
payloads = st.builds(
    Payload,
    messages=st.lists(messages, min_size=1, max_size=4).map(tuple),
    tools=st.lists(tools, min_size=1, max_size=2).map(tuple),
    tool_mode=st.sampled_from(["auto", "required"]),
    tool_name=st.just(""),
    json_schema=objects,
    schema_name=words,
    sampling=samplings,
)


def said(document):
    """Every string in a body, and in the JSON documents that stand in it as strings."""
    for text in documents.leaves(document):
        yield text
        if text.startswith("{"):
            yield from documents.leaves(text)


def family_of(name):
    return "gemini" if name == "gemini-3" else name


@pytest.mark.parametrize("name", ENCODE)
@given(payload=payloads)
@settings(max_examples=60)
def test_a_body_says_the_payload_and_nothing_else(name, payload):
    """Every string of the payload stands in the body, but what the family has no words for; besides them, and the
    name of the model, there are fixed words alone."""
    family = family_of(name)
    body = ENCODE[name](payload)
    assert body == ENCODE[name](payload)
    of_payload = set()
    for message in payload.messages:
        of_payload |= {message.name, message.tool_call_id, *message.texts}
        of_payload |= {text for call in message.tool_calls for text in (call.id, call.name, call.arguments_json)}
    of_payload |= {text for tool in payload.tools for text in (tool.name, tool.description)}
    of_payload |= {*payload.sampling.stop, payload.schema_name}
    parsed = [call.arguments_json for message in payload.messages for call in message.tool_calls]
    parsed += [*(tool.parameters_json_schema for tool in payload.tools), payload.json_schema]
    of_documents = {text for document in parsed for text in documents.leaves(document)}
    encoded = {
        text
        for message in payload.messages
        for picture in message.pictures
        for text in (picture.base64(), picture.base64url(), picture.data_url())
    }
    strings = set(said(body))
    assert of_payload - {"", *LOST[family](payload), *parsed} - strings == set()
    assert of_documents - strings == set()
    known = of_payload | of_documents | set(parsed) | encoded | {MODEL} | set(FIXED[family].split())
    assert {text for text in strings if not text.replace(".", "").replace("e-", "").isdigit()} - known == set()


@pytest.mark.parametrize("name", ["openai", "gemini", "bedrock"])
@given(texts=st.lists(words, min_size=1, max_size=4), dimensions=st.integers(0, 4096))
@settings(max_examples=40)
def test_texts_to_embed_are_said_in_their_order_and_nothing_else(name, texts, dimensions):
    model = "cohere.embed-v4:0" if name == "bedrock" else MODEL
    encode = {
        "openai": lambda payload: openai_body.encode(payload, model, "max_tokens"),
        "gemini": lambda payload: gemini_body.encode(payload, model),
        "bedrock": lambda payload: bedrock_body.encode(payload, model),
    }[name]
    fixed = {model, f"models/{model}", "model", "input", "encoding_format", "float", "dimensions", "requests"}
    fixed |= {"content", "parts", "text", "outputDimensionality", "texts", "input_type", "search_document"}
    fixed |= {"embedding_types", "output_dimension", str(dimensions)}
    body = encode(embedding(texts, dimensions))
    assert [text for text in documents.leaves(body) if text not in fixed] == texts
    assert (str(dimensions) in documents.leaves(body)) == (dimensions > 0)


def chat(*said, **fields):
    empty = Sampling(None, None, None, None, None, None, (), ())
    return Payload(
        **{
            "messages": said,
            "tools": (),
            "tool_mode": "auto",
            "tool_name": "",
            "json_schema": "",
            "schema_name": "",
            "sampling": empty,
            **fields,
        }
    )


def embedding(texts, dimensions=0):
    return chat(embedding_inputs=tuple(texts), embedding_dimensions=dimensions)


def turn(role, *parts, name="", calls=(), answers=""):
    return Message(role, parts, name, tuple(calls), answers)


CALL = ToolCall("c1", "f", '{"a": 1}')
TALK = (
    turn("system", "Be brief."),
    turn("user", "One?"),
    turn("user", "Two?"),
    turn("assistant", "Hm.", calls=(CALL, ToolCall("c2", "g", ""))),
    turn("tool", "11", answers="c1"),
    turn("tool", "22", answers="c2"),
    turn("system", "Be kind."),
)
TOOLS = (Tool("f", "does f", '{"type": "object", "properties": {"a": {"type": "integer"}}}'), Tool("g", "", ""))


def test_openai_says_a_whole_conversation():
    """The reference conversation, tools and schema, as its API reference has them."""
    body = json.loads(ENCODE["openai"](chat(*TALK, tools=TOOLS, json_schema='{"type": "object"}', schema_name="s")))
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One?"},
        {"role": "user", "content": "Two?"},
        {
            "role": "assistant",
            "content": "Hm.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
                {"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}},
            ],
        },
        {"role": "tool", "content": "11", "tool_call_id": "c1"},
        {"role": "tool", "content": "22", "tool_call_id": "c2"},
        {"role": "system", "content": "Be kind."},
    ]
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "s", "schema": {"type": "object"}, "strict": True},
    }


def test_anthropic_says_a_whole_conversation():
    """The system in one place, turns that alternate, all results of one round in one turn."""
    body = json.loads(ENCODE["anthropic"](chat(*TALK, tools=TOOLS, json_schema='{"type": "object"}')))
    assert body == {
        "model": MODEL,
        "max_tokens": 4096,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "One?"}, {"type": "text", "text": "Two?"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "Hm."},
                    {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
                    {"type": "tool_use", "id": "c2", "name": "g", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "11"}]},
                    {"type": "tool_result", "tool_use_id": "c2", "content": [{"type": "text", "text": "22"}]},
                ],
            },
        ],
        "stream": True,
        "system": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}],
        "tools": [
            {
                "name": "f",
                "description": "does f",
                "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}},
            },
            {"name": "g", "input_schema": {"type": "object"}},
        ],
        "tool_choice": {"type": "auto"},
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
    }


def test_gemini_says_a_whole_conversation():
    """A result bears its tool's name, found by the call that it answers."""
    body = json.loads(ENCODE["gemini"](chat(*TALK, tools=TOOLS, json_schema='{"type": "object"}')))
    assert body == {
        "contents": [
            {"role": "user", "parts": [{"text": "One?"}, {"text": "Two?"}]},
            {
                "role": "model",
                "parts": [
                    {"text": "Hm."},
                    {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}},
                    {"functionCall": {"id": "c2", "name": "g", "args": {}}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"id": "c1", "name": "f", "response": {"output": "11"}}},
                    {"functionResponse": {"id": "c2", "name": "g", "response": {"output": "22"}}},
                ],
            },
        ],
        "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]},
        "tools": [
            {
                "functionDeclarations": [
                    {
                        "name": "f",
                        "description": "does f",
                        "parametersJsonSchema": {"type": "object", "properties": {"a": {"type": "integer"}}},
                    },
                    {"name": "g"},
                ]
            }
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
        "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}},
    }
    newer = json.loads(ENCODE["gemini-3"](chat(*TALK)))
    assert newer["contents"][1]["parts"][1]["thoughtSignature"] == "skip_thought_signature_validator"


def test_bedrock_says_a_whole_conversation():
    body = json.loads(ENCODE["bedrock"](chat(*TALK, tools=TOOLS, json_schema='{"type":"object"}', schema_name="s")))
    assert body == {
        "messages": [
            {"role": "user", "content": [{"text": "One?"}, {"text": "Two?"}]},
            {
                "role": "assistant",
                "content": [
                    {"text": "Hm."},
                    {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"a": 1}}},
                    {"toolUse": {"toolUseId": "c2", "name": "g", "input": {}}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"toolResult": {"toolUseId": "c1", "content": [{"text": "11"}]}},
                    {"toolResult": {"toolUseId": "c2", "content": [{"text": "22"}]}},
                ],
            },
        ],
        "system": [{"text": "Be brief."}, {"text": "Be kind."}],
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "f",
                        "description": "does f",
                        "inputSchema": {"json": {"type": "object", "properties": {"a": {"type": "integer"}}}},
                    }
                },
                {"toolSpec": {"name": "g", "inputSchema": {"json": {"type": "object"}}}},
            ],
            "toolChoice": {"auto": {}},
        },
        "outputConfig": {
            "textFormat": {
                "type": "json_schema",
                "structure": {"jsonSchema": {"schema": '{"type":"object"}', "name": "s"}},
            }
        },
    }


@pytest.mark.parametrize(
    ("mode", "tool", "expected"),
    [
        ("auto", "", ("auto", {"type": "auto"}, {"mode": "AUTO"}, {"auto": {}})),
        ("none", "", ("none", {"type": "none"}, {"mode": "NONE"}, None)),
        ("required", "", ("required", {"type": "any"}, {"mode": "ANY"}, {"any": {}})),
        (
            "required",
            "f",
            (
                {"type": "function", "function": {"name": "f"}},
                {"type": "tool", "name": "f"},
                {"mode": "ANY", "allowedFunctionNames": ["f"]},
                {"tool": {"name": "f"}},
            ),
        ),
    ],
)
def test_which_tool_must_be_called_is_said(mode, tool, expected):
    openai, anthropic, gemini, bedrock = expected
    payload = chat(turn("user", "x"), tools=TOOLS, tool_mode=mode, tool_name=tool)
    bodies = {name: json.loads(encode(payload)) for name, encode in ENCODE.items()}
    assert bodies["openai"]["tool_choice"] == openai
    assert bodies["anthropic"]["tool_choice"] == anthropic
    assert bodies["gemini"]["toolConfig"]["functionCallingConfig"] == gemini
    assert bodies["bedrock"].get("toolConfig", {}).get("toolChoice") == bedrock


def test_sampling_is_said_in_each_familys_words():
    sampling = Sampling(0.5, 0.9, 0.1, 0.2, 2**31 + 7, 64, ("END",), ((5, -1.0),))
    bodies = {name: json.loads(encode(chat(turn("user", "x"), sampling=sampling))) for name, encode in ENCODE.items()}
    openai = {"temperature": 0.5, "top_p": 0.9, "presence_penalty": 0.1, "frequency_penalty": 0.2, "max_tokens": 64}
    openai |= {"stop": ["END"], "seed": 2**31 + 7, "logit_bias": {"5": -1.0}}
    assert openai.items() <= bodies["openai"].items()
    anthropic = {"temperature": 0.5, "top_p": 0.9, "stop_sequences": ["END"], "max_tokens": 64}
    assert bodies["anthropic"].keys() == {"model", "messages", "stream", *anthropic}
    assert anthropic.items() <= bodies["anthropic"].items()
    assert bodies["gemini"]["generationConfig"] == {
        "temperature": 0.5,
        "topP": 0.9,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "seed": 7,
        "maxOutputTokens": 64,
        "stopSequences": ["END"],
    }
    bedrock = {"temperature": 0.5, "topP": 0.9, "maxTokens": 64, "stopSequences": ["END"]}
    assert bodies["bedrock"]["inferenceConfig"] == bedrock


def test_pictures_are_said_in_each_familys_words():
    """Their bytes, in the order of the parts."""
    picture = Picture(b"\x89PNG\r\n\x1a\n\xfb\xef", "image/png")
    bodies = {name: json.loads(encode(chat(turn("user", "See:", picture)))) for name, encode in ENCODE.items()}
    data = "iVBORw0KGgr77w=="
    assert bodies["openai"]["messages"][0]["content"] == [
        {"type": "text", "text": "See:"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
    ]
    assert bodies["anthropic"]["messages"][0]["content"][1] == {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": data},
    }
    assert bodies["gemini"]["contents"][0]["parts"][1] == {"inlineData": {"mimeType": "image/png", "data": data}}
    assert bodies["bedrock"]["messages"][0]["content"][1] == {"image": {"format": "png", "source": {"bytes": data}}}


@pytest.mark.parametrize("name", ["anthropic", "gemini", "bedrock"])
def test_arguments_that_are_no_object_are_refused(name):
    with pytest.raises(PayloadError, match="arguments must be a JSON object"):
        ENCODE[name](chat(turn("assistant", calls=(ToolCall("c", "f", "[1]"),))))


def test_what_a_family_cannot_say_is_refused():
    """Where leaving it out would change what is asked for."""
    with pytest.raises(PayloadError, match="Anthropic has no embeddings"):
        ENCODE["anthropic"](embedding(["x"]))
    with pytest.raises(PayloadError, match="names a call that does not stand"):
        ENCODE["gemini"](chat(turn("tool", "11", answers="c9")))
    with pytest.raises(PayloadError, match="cannot be told to call no tool"):
        ENCODE["bedrock"](chat(*TALK, tools=TOOLS, tool_mode="none"))
    with pytest.raises(PayloadError, match="Titan embeds one text"):
        bedrock_body.encode(embedding(["a", "b"]), "amazon.titan-embed-text-v2:0")


def test_titan_and_cohere_are_asked_each_in_its_words():
    one = embedding(["a"], 256)
    assert json.loads(bedrock_body.encode(one, "amazon.titan-embed-text-v2:0")) == {"inputText": "a", "dimensions": 256}
    assert json.loads(bedrock_body.encode(one, "eu.cohere.embed-v4:0")) == {
        "texts": ["a"],
        "input_type": "search_document",
        "embedding_types": ["float"],
        "output_dimension": 256,
    }
