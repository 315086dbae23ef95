"""Whether the calls that an answer asks for can be made: known tools, arguments that keep to their schemas."""

from __future__ import annotations

from ringfenced.evaluate.case import FLAWLESS, Case, Opinion
from ringfenced.evaluate.schema import parsed
from ringfenced.evaluate.schema_guard import failing
from ringfenced.model import ToolCall, ToolMode


def evaluate(case: Case) -> Opinion | None:
    """1 where every call can be made, 0 otherwise; nothing to say where no call was made and none was demanded.

    Raises:
        NotEvaluatedError: a schema cannot be followed within bounds.
    """
    prompt, calls = case.prompt, case.answer.tool_calls
    if not calls:
        return Opinion(0.0, "no tool is called, and one must be") if prompt.tool_mode is ToolMode.REQUIRED else None
    if prompt.tool_name and any(call.name != prompt.tool_name for call in calls):
        return Opinion(0.0, "another tool is called than the one that must be")
    schemas = {tool.name: tool.parameters_json_schema for tool in prompt.tools}
    wrong = next((reason for call in calls if (reason := _wrong(call, schemas))), "")
    return Opinion(0.0, wrong) if wrong else FLAWLESS


def _wrong(call: ToolCall, schemas: dict[str, str]) -> str:
    if call.name not in schemas:
        return "a tool is called that there is not"
    try:
        arguments = parsed(call.arguments_json or "{}")
    except ValueError:
        return "a call's arguments are no JSON document"
    if not isinstance(arguments, dict):
        return "a call's arguments are no object"
    schema = schemas[call.name]
    keyword = failing(schema, arguments) if schema else ""
    return f"a call's arguments do not keep to the tool's schema: {keyword} fails" if keyword else ""
