"""Telnyx's published OpenAPI file as the judge of requests, answers and events."""

import json
import re
from uuid import UUID

import jsonschema

from tests import openapi

is_available = openapi.is_available
WHERE = openapi.WHERE


def validate_telnyx_request(method, path, query, json_body):
    """
    Raise jsonschema's ValidationError for a request that the file does not allow.

    *query* are pairs, *json_body* is the decoded body or None.
    """
    openapi.check_request(method, path, query, json_body)


def validate_telnyx_response(method, path, status, json_body):
    """Raise jsonschema's ValidationError for an answer that the file does not allow."""
    openapi.check_answer(method, path, status, json.dumps(json_body))
    data = json_body.get("data") if isinstance(json_body, dict) else None
    for resource in data if isinstance(data, list) else [data]:
        if isinstance(resource, dict):
            _check_formats(resource)


def validate_telnyx_event(envelope):
    """
    Raise jsonschema's ValidationError for a webhook's body that the file does not allow.

    The file has no inbound events; those pass when their envelope is like the others'.
    """
    name = envelope["data"]["event_type"]
    webhooks = openapi.document()["webhooks"]
    webhook = webhooks.get(name) or webhooks["fax.queued"]
    schema = webhook["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema = json.loads(json.dumps(openapi.resolved(schema)))
    data = schema["properties"]["data"]["properties"]
    if name not in webhooks:
        del data["event_type"], data["payload"]
    elif name == "fax.failed":
        # Later files have a free string here, as Telnyx's list of reasons always had.
        del data["payload"]["properties"]["failure_reason"]["enum"]
    openapi.check(envelope, schema)
    _check_formats(envelope["data"])


def _check_formats(resource):
    if resource.get("record_type") in ("fax", "event"):
        try:
            UUID(resource["id"])
        except ValueError:
            raise jsonschema.ValidationError("id is no UUID") from None
    for name in ("created_at", "updated_at", "occurred_at"):
        moment = resource.get(name, "2020-05-05T09:59:12.000000Z")
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", moment):
            raise jsonschema.ValidationError(f"{name} has no microseconds or no zone")
