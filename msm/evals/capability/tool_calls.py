"""Tool calls: schemas in the prompt, and the one call that a request wants.

The call is text in a form that the prompt gives, so that models without a tool format of their own
can be asked as well. A call is well-formed if it stands in the tag, is JSON with a name and an
object of arguments, and these fit the schema of that tool.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from msm.evals.capability.answers import visible
from msm.evals.capability.part import Marking, Part, Problem

INTRODUCTION = """\
You can use these tools. Each is given as JSON, with a schema for its arguments:
{tools}

If one of them fits the request below, reply with one call and nothing else, in this form:
<tool_call>{{"name": "name of the tool", "arguments": {{"argument": "value"}}}}</tool_call>
Give the arguments that the request names, and no others. If no tool fits, answer in words.

Request: {request}"""

_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
_MARK = "tool_call>"


def tool_problems() -> list[Problem]:
    """The requests in the order of the file; those with the same tools are one cluster."""
    file = files("msm.evals.capability").joinpath("tool_calls.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(file)
    problems = []
    for kit, entry in data["kits"].items():
        schemas = {name: _schema(data["tools"][name]) for name in entry["tools"]}
        shown = "\n".join(
            json.dumps({"name": name, "description": data["tools"][name]["says"], "parameters": s})
            for name, s in schemas.items()
        )
        for key, request in entry["requests"].items():
            expected = {
                "call": request["call"],
                "arguments": request.get("arguments", {}),
                "schemas": schemas,
            }
            problems.append(
                Problem(
                    id=f"{Part.TOOL_CALLS}/{kit}/{key}",
                    part=Part.TOOL_CALLS,
                    cluster=f"{Part.TOOL_CALLS}/{request['call'] or 'none'}",
                    prompt=INTRODUCTION.format(tools=shown, request=request["ask"]),
                    expected=expected,
                )
            )
    return problems


def _schema(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": tool["properties"],
        "required": tool["required"],
        "additionalProperties": False,
    }


def mark_tool_call(expected: Mapping[str, Any], answer: str) -> Marking:
    """Right if the reply is the call that is wanted, or words where none is.

    ``checks`` go step by step: ``well_formed``; then ``right_tool``, looked at in well-formed calls
    only; then ``right_arguments``, in calls of the right tool only. ``restraint`` stands alone,
    where no call is wanted.
    """
    reply = visible(answer)
    if not reply:
        return Marking(None, "no reply")
    if expected["call"] is None:
        restrained = _MARK not in reply
        return Marking(restrained, "" if restrained else "called a tool", {"restraint": restrained})
    call = _read_call(reply, expected["schemas"])
    if isinstance(call, str):
        return Marking(False, call, {"well_formed": False})
    name, arguments = call
    if name != expected["call"]:
        return Marking(False, f"called {name}", {"well_formed": True, "right_tool": False})
    wrong = _wrong_arguments(expected["arguments"], arguments)
    return Marking(
        not wrong,
        f"wrong arguments: {', '.join(wrong)}" if wrong else "",
        {"well_formed": True, "right_tool": True, "right_arguments": not wrong},
    )


def _read_call(
    reply: str, schemas: Mapping[str, Mapping[str, Any]]
) -> tuple[str, dict[str, Any]] | str:
    """Name and arguments of the one call of a reply, or what is wrong with it."""
    found = _CALL.findall(reply)
    if len(found) != 1 or reply.count(_MARK) != 2:
        return f"{len(found)} whole calls"
    try:
        call = json.loads(found[0])
    except (ValueError, RecursionError):
        return "the call is no JSON"
    if not isinstance(call, dict) or set(call) != {"name", "arguments"}:
        return "the call has not just a name and arguments"
    name, arguments = call["name"], call["arguments"]
    if not isinstance(name, str) or name not in schemas:
        return "no such tool"
    errors = list(Draft202012Validator(schemas[name]).iter_errors(arguments))
    if errors:
        return f"the arguments do not fit the schema: {errors[0].message[:120]}"
    return name, arguments


def _wrong_arguments(wanted: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Names of arguments that are missing, not asked for, or of another value."""
    return [
        name
        for name in sorted({*wanted, *given})
        if name not in wanted or name not in given or not _accepted(wanted[name], given[name])
    ]


def _accepted(wanted: Any, given: Any) -> bool:
    """Whether a value is the wanted one, or one of a list of them; case does not count."""
    choices = wanted if isinstance(wanted, list) else [wanted]
    return any(_same(choice, given) for choice in choices)


def _same(wanted: Any, given: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(given, bool):
        return wanted is given
    if isinstance(wanted, list) and isinstance(given, list):
        return len(wanted) == len(given) and all(map(_same, wanted, given))
    if isinstance(wanted, str) and isinstance(given, str):
        return " ".join(wanted.lower().split()) == " ".join(given.lower().split())
    return bool(wanted == given)
