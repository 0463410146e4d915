"""Twilio's published OpenAPI file, as a judge of the server's answers."""

import functools
import json
import os
from pathlib import Path

import jsonschema

from tests.openapi import ENVIRONMENT


@functools.lru_cache(maxsize=None)
def document():
    text = Path(os.environ[ENVIRONMENT], "twilio-fax-v1.openapi.json").read_text(encoding="utf-8")
    return json.loads(text)


def is_available():
    folder = os.environ.get(ENVIRONMENT)
    return bool(folder) and Path(folder, "twilio-fax-v1.openapi.json").is_file()


def check_answer(method, path, status, payload):
    """Raise jsonschema's ValidationError for an answer that Twilio's file does not allow."""
    responses = document()["paths"][path][method.lower()]["responses"]
    assert str(status) in responses, f"{method} {path} has no {status}"
    content = responses[str(status)].get("content")
    if content is None:
        assert payload in (b"", None)
        return
    schema = {**content["application/json"]["schema"], "components": document()["components"]}
    jsonschema.Draft202012Validator(_nullable(schema)).validate(payload)


def _nullable(schema):
    """
    Return *schema* in JSON Schema's words: OpenAPI 3.0 writes ``nullable``.

    The file leaves it out for the neighbours of a page, which Twilio gave as null at the ends of a list.
    """
    if isinstance(schema, list):
        return [_nullable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {name: _nullable(value) for name, value in schema.items() if name != "nullable"}
    for name in ("next_page_url", "previous_page_url"):
        if isinstance(changed.get(name), dict) and changed[name].get("type") == "string":
            changed[name] = {**changed[name], "type": ["string", "null"]}
    if schema.get("nullable"):
        if isinstance(changed.get("type"), str):
            changed["type"] = [changed["type"], "null"]
            if "enum" in changed:
                changed["enum"] = [*changed["enum"], None]
        elif "$ref" in changed:
            changed = {"anyOf": [changed, {"type": "null"}]}
    return changed
