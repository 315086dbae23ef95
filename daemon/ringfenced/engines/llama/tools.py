"""What a model is told of tools, and the grammar that its calls keep to. Pure.

How a model writes calls is read from its chat template. One whose template knows nothing of tools is told of them in
words, and writes as Hermes does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ringfenced.engines.llama.calls import Style
from ringfenced.engines.llama.gbnf import prefixed
from ringfenced.engines.llama.grammar import BadSchema, schema_to_grammar

_INSTRUCTION = (
    "You can call these tools. Each is described by a JSON object with its name, what it does and the JSON Schema of "
    "its arguments:\n<tools>\n{tools}\n</tools>\nTo call a tool, write its name and arguments as a JSON object between "
    '<tool_call> and </tool_call>, for example:\n<tool_call>\n{{"name": "tool", "arguments": {{}}}}\n</tool_call>\n'
    "The tool's answer comes in the next message."
)
"""For a template without tools; the form is Hermes's (https://github.com/NousResearch/Hermes-Function-Calling)."""


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """A tool that the model may call."""

    name: str = field(repr=False)
    """Its name."""
    description: str = field(repr=False)
    """What it does."""
    schema: str = field(repr=False)
    """JSON Schema of its arguments; empty for any object."""

    def as_openai(self) -> dict[str, Any]:
        """As chat templates expect it.

        Raises:
            BadSchema: its schema is no JSON.
        """
        return {
            "type": "function",
            "function": {"name": self.name, "description": self.description, "parameters": _schema(self)},
        }


def style_of(template: str) -> Style:
    """How the model of this chat template writes calls."""
    if "[TOOL_CALLS]" in template:
        return Style.MISTRAL if "[ARGS]" in template else Style.MISTRAL_LIST
    if "<tool_call>" not in template and ("<|python_tag|>" in template or '"parameters": ' in template):
        return Style.LLAMA
    return Style.HERMES


def knows_tools(template: str) -> bool:
    """Whether a chat template shows tools to its model."""
    return "tools" in template


def instruction(tools: Iterable[ToolFacts]) -> str:
    """What a model is told of tools whose template does not."""
    return _INSTRUCTION.format(
        tools="\n".join(json.dumps(tool.as_openai()["function"], ensure_ascii=False) for tool in tools)
    )


def calls_grammar(style: Style, tools: Sequence[ToolFacts]) -> str:
    """Return GBNF for one call or several, from the mark that opens them to the answer's end.

    Raises:
        BadSchema: the schema of a tool cannot become a grammar.
    """
    if style is Style.MISTRAL:
        return _named_calls(tools)
    one = prefixed(schema_to_grammar(json.dumps(call_schema(style, tools))), "one-")
    match style:
        case Style.LLAMA:
            root = '"<|python_tag|>"? one-root ("; " one-root)*'
        case Style.MISTRAL_LIST:
            root = '"[TOOL_CALLS]" " "? "[" one-root ("," " "? one-root)* "]"'
        case _:
            root = 'call ("\\n" call)*\ncall ::= "<tool_call>" "\\n"? one-root "\\n"? "</tool_call>"'
    return f"root ::= {root}\n{one}"


def choice_grammar(grammars: Sequence[str]) -> str:
    """Return GBNF for an answer that follows one of several grammars."""
    parts = [prefixed(grammar, f"g{number}-") for number, grammar in enumerate(grammars)]
    root = " | ".join(f"g{number}-root" for number in range(len(parts)))
    return "\n".join((f"root ::= {root}", *parts))


def call_schema(style: Style, tools: Sequence[ToolFacts]) -> dict[str, Any]:
    """The JSON Schema of a call: the tools' own schemas stand under ``$defs``, and what they refer to with them."""
    key = style.arguments_key
    calls = [
        {
            "type": "object",
            "properties": {"name": {"const": tool.name}, key: {"$ref": f"#/$defs/t{number}"}},
            "required": ["name", key],
            "additionalProperties": False,
        }
        for number, tool in enumerate(tools)
    ]
    defined = {f"t{number}": _moved(_schema(tool), f"#/$defs/t{number}") for number, tool in enumerate(tools)}
    return {**(calls[0] if len(calls) == 1 else {"oneOf": calls}), "$defs": defined}


def _named_calls(tools: Sequence[ToolFacts]) -> str:
    rules = ["root ::= call+", f"call ::= {' | '.join(f'c{number}' for number in range(len(tools)))}"]
    for number, tool in enumerate(tools):
        rules.append(f'c{number} ::= "[TOOL_CALLS]" {json.dumps(tool.name)} "[ARGS]" " "? t{number}-root')
        rules.append(prefixed(schema_to_grammar(json.dumps(_schema(tool))), f"t{number}-"))
    return "\n".join(rules)


def _schema(tool: ToolFacts) -> dict[str, Any]:
    """The schema of a tool's arguments, which are an object whatever it says."""
    try:
        schema = json.loads(tool.schema or "{}")
    except (ValueError, RecursionError):
        raise BadSchema("the schema of a tool is no JSON") from None
    if not isinstance(schema, Mapping):
        schema = {}
    return {"type": "object", **schema} if not schema.keys() & {"type", "$ref", "anyOf", "oneOf", "allOf"} else schema


def _moved(value: Any, root: str) -> Any:
    """The same schema as a part of another: references to its root go to where that lies now."""
    if isinstance(value, Mapping):
        return {
            key: root + item[1:]
            if key == "$ref" and isinstance(item, str) and item.startswith("#")
            else _moved(item, root)
            for key, item in value.items()
        }
    return [_moved(item, root) for item in value] if isinstance(value, list) else value
