"""The legacy provider: any client with the methods of Twilio's fax client."""

from __future__ import annotations

import logging
from itertools import islice
from typing import Any, Mapping
from urllib.parse import urlencode

from attrs import field, frozen

from twilio_fax_compat._core.fax_api.routes import ROUTE
from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.messages import TwilioRequest, TwilioResponse
from twilio_fax_compat._core.migration.legacy_payloads import (
    FAX_NAMES,
    MEDIA_NAMES,
    answer_of_error,
    payload_of_instance,
)
from twilio_fax_compat._core.migration.provider_list import NEXT
from twilio_fax_compat._core.translation.create_form import PARAMETERS
from twilio_fax_compat._core.translation.errors import not_found, problem
from twilio_fax_compat._core.translation.faxes import DEFAULT_API_URL
from twilio_fax_compat._core.translation.list_envelope import list_envelope

logger = logging.getLogger("twilio_fax_compat.migration")

_FILTERS: Mapping[str, str] = {
    "From": "from_",
    "To": "to",
    "DateCreatedOnOrBefore": "date_created_on_or_before",
    "DateCreatedAfter": "date_created_after",
}
_PAGING: Mapping[str, str] = {
    "PageToken": "page_token",
    "Page": "page_number",
    "PageSize": "page_size",
}


@frozen
class LegacyProvider:
    """Answers requests of Twilio's fax API by the methods of *client*."""

    client: Any = field(repr=False)

    def answer(self, request: TwilioRequest) -> TwilioResponse:
        """
        Return the provider's answer, also if the client raised it as an error.

        Raises any other error of the client: then no answer came.
        """
        route = ROUTE.fullmatch(request.path)
        if route is None:
            return not_found(request.path)
        sid, has_media, media = route.groups()
        if sid is None and request.method == "POST":
            return self._create(request)
        try:
            faxes = self.client.fax.faxes
            if sid is None:
                return _list(faxes, request, FAX_NAMES, "faxes")
            if not has_media:
                return _one(faxes(sid), request)
            if media is None:
                return _list(faxes(sid).media, request, MEDIA_NAMES, "media")
            return _one(faxes(sid).media(media), request, MEDIA_NAMES)
        except Exception as error:
            answer = answer_of_error(error)
            if answer is None:
                raise
            return answer

    def _create(self, request: TwilioRequest) -> TwilioResponse:
        unknown = sorted(set(request.fields) - set(PARAMETERS))
        if unknown:
            return problem(400, 20001, "Unknown parameters: {}".format(mask(", ".join(unknown))))
        named = {PARAMETERS[name]: value for name, value in request.fields.items()}
        try:
            instance = self.client.fax.faxes.create(**named)
        except Exception as error:
            answer = answer_of_error(error)
            if answer is None:
                raise
            return answer
        # The fax was accepted: an error from here on is not a refusal.
        unreadable: list[str] = []
        payload = payload_of_instance(instance, FAX_NAMES, unreadable)
        if unreadable:
            logger.warning(
                "the legacy provider accepted a fax, and its client raised an error for: %s",
                ", ".join(unreadable),
            )
        return TwilioResponse(201, payload)


def _one(
    context: Any, request: TwilioRequest, names: tuple[str, ...] = FAX_NAMES
) -> TwilioResponse:
    if request.method == "GET":
        return TwilioResponse(200, payload_of_instance(context.fetch(), names))
    if request.method == "POST":
        status = request.fields.get("Status")
        instance = context.update() if status is None else context.update(status=status)
        return TwilioResponse(200, payload_of_instance(instance, names))
    if request.method == "DELETE":
        return TwilioResponse(202 if context.delete() is False else 204)
    return problem(405, 20004, f"{request.method} is not allowed here")


def _list(
    resource: Any, request: TwilioRequest, names: tuple[str, ...], key: str
) -> TwilioResponse:
    fields = dict(request.fields)
    following = fields.pop(NEXT, None)
    if not hasattr(resource, "page"):
        items, query = _listed(resource, fields)
    else:
        if following is not None:
            page = resource.get_page(following)
        else:
            names_of = {**_FILTERS, **_PAGING}
            named = {names_of[name]: value for name, value in fields.items() if name in names_of}
            page = resource.page(**named)
        items, url = list(page), getattr(page, "next_page_url", None)
        query = {NEXT: url} if url else None
    payloads = [payload_of_instance(item, names) for item in items]
    following = f"{DEFAULT_API_URL}{request.path}?{urlencode(query)}" if query else None
    return TwilioResponse(200, list_envelope(key, payloads, following=following))


def _listed(
    resource: Any, fields: Mapping[str, object]
) -> tuple[list[Any], dict[str, object] | None]:
    """Return a page of a client that has no pages, and the query for the next one."""
    size, number = int(str(fields.get("PageSize", 50))), int(str(fields.get("Page", 0)))
    filters = {_FILTERS[name]: value for name, value in fields.items() if name in _FILTERS}
    begin, end = number * size, (number + 1) * size
    items = list(islice(iter(resource.list(limit=end + 1, **filters)), begin, end + 1))
    query = {name: value for name, value in fields.items() if name in _FILTERS}
    following = {**query, "PageSize": size, "Page": number + 1}
    return items[:size], following if len(items) > size else None
