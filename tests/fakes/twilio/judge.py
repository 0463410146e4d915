"""Checks the fake's answers against Twilio's own OpenAPI file."""

import functools
import json
import os
import re
from pathlib import Path

import jsonschema

from tests import openapi

WHERE = openapi.WHERE.replace("telnyx-fax.openapi.json", "twilio-fax-v1.openapi.json").replace(
    "github.com/team-telnyx/openapi", "github.com/twilio/twilio-oai"
)


@functools.lru_cache(maxsize=None)
def document():
    path = Path(os.environ[openapi.ENVIRONMENT], "twilio-fax-v1.openapi.json")
    return _today(json.loads(path.read_text(encoding="utf-8")))


def operations():
    """Return every method and path of the file."""
    methods = {"get", "post", "put", "delete"}
    return {
        (method.upper(), path)
        for path, item in document()["paths"].items()
        for method in item
        if method in methods
    }


def operation_of(method, path):
    """Return the method and path in the file that match a request."""
    for known, pattern in operations():
        if known == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path):
            return known, pattern
    raise jsonschema.ValidationError(f"the file has no operation {method} {path}")


def check_answer(method, path, status, body):
    """Raise jsonschema's ValidationError for a success that the file does not allow."""
    known, pattern = operation_of(method, path)
    responses = document()["paths"][pattern][known.lower()]["responses"]
    if str(status) not in responses:
        raise jsonschema.ValidationError(f"{method} {path} has no {status}")
    content = responses[str(status)].get("content")
    if content is None:
        assert body == b""
        return
    schema = {**content["application/json"]["schema"], "components": document()["components"]}
    jsonschema.Draft202012Validator(schema).validate(json.loads(body))


def _today(node):
    """Return a schema in which null is a type, as today's JSON Schema has it."""
    if isinstance(node, list):
        return [_today(part) for part in node]
    if not isinstance(node, dict):
        return node
    node = {name: _today(part) for name, part in node.items()}
    # The file has no nulls in ``meta``, nor a price as text: Twilio's answers had both.
    if node.get("nullable") or node.get("format") == "uri":
        node["type"] = [*_as_list(node.get("type")), "null"]
        if "enum" in node:
            node["enum"] = [*node["enum"], None]
    for name, part in node.get("properties", {}).items() if "properties" in node else ():
        if name == "price":
            part["type"] = ["number", "string", "null"]
    return node


def _as_list(value):
    return value if isinstance(value, list) else [value]
