"""Telnyx's published OpenAPI file, as a judge of requests and answers."""

import functools
import json
import os
import re
from pathlib import Path

import jsonschema

ENVIRONMENT = "TWILIO_FAX_COMPAT_SPECS"
WHERE = (
    f"set {ENVIRONMENT} to a folder with telnyx-fax.openapi.json, cut from the OpenAPI file of "
    "github.com/team-telnyx/openapi"
)


def is_available():
    return bool(os.environ.get(ENVIRONMENT))


@functools.lru_cache(maxsize=None)
def document():
    text = Path(os.environ[ENVIRONMENT], "telnyx-fax.openapi.json").read_text(encoding="utf-8")
    return json.loads(text)


def check_request(method, path, query, body):
    """Raise jsonschema's ValidationError for a request that the file does not allow."""
    operation = operation_of(method, path)
    allowed = [resolved(parameter) for parameter in operation.get("parameters", [])]
    given = {}
    for name, value in query:
        top, *rest = re.findall(r"[^\[\]]+", name)
        place = given.setdefault(top, {}) if rest else given
        for key in rest[:-1]:
            place = place.setdefault(key, {})
        place[rest[-1] if rest else top] = int(value) if top == "page" else value
    for name, value in given.items():
        rule = next((one for one in allowed if one["name"] == name and one["in"] == "query"), None)
        if rule is None:
            raise jsonschema.ValidationError(f"{path} has no query parameter {name}")
        check(value, rule["schema"], closed=True)
    if body is not None:
        content = operation["requestBody"]["content"]["application/json"]
        check(body, content["schema"], closed=True)


def check_answer(method, path, status, body):
    """Raise jsonschema's ValidationError for an answer that the file does not allow."""
    responses = operation_of(method, path)["responses"]
    response = responses.get(str(status), responses.get("default"))
    if response is None:
        raise jsonschema.ValidationError(f"{method} {path} has no {status}")
    content = resolved(response).get("content")
    if content is None:
        return
    check(json.loads(body), content["application/json"]["schema"])


def operation_of(method, path):
    path = re.sub(r"^/v2", "", path)
    for pattern, operations in document()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path):
            return operations[method.lower()]
    raise jsonschema.ValidationError(f"there is no {path}")


def check(value, schema, closed=False):
    if closed and isinstance(value, dict):
        known = properties_of(schema)
        unknown = set(value) - known
        if unknown:
            raise jsonschema.ValidationError(f"unknown: {sorted(unknown)}")
    root = {**schema, "components": document()["components"]}
    jsonschema.Draft202012Validator(root).validate(value)


def properties_of(schema):
    schema = resolved(schema)
    known = set(schema.get("properties", ()))
    for part in schema.get("allOf", ()):
        known |= properties_of(part)
    return known


def resolved(node):
    while "$ref" in node:
        target = document()
        for key in node["$ref"].lstrip("#/").split("/"):
            target = target[key]
        node = target
    return node
