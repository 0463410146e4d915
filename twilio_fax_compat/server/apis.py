"""The fax API of each account, on the event loop: Telnyx's, or two providers' behind one."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from attrs import define, evolve, field, frozen

from twilio_fax_compat._core.effects import BeginSend, Effect, Flow, run_async
from twilio_fax_compat._core.fax_api.full_lists import list_full_page
from twilio_fax_compat._core.fax_api.paging import FILTERS
from twilio_fax_compat._core.fax_api.routes import FlowSettings, answer_request
from twilio_fax_compat._core.messages import TwilioRequest, TwilioResponse
from twilio_fax_compat._core.translation.create_form import PARAMETERS
from twilio_fax_compat._core.translation.media_links import Documents
from twilio_fax_compat._telnyx.api import flow_settings
from twilio_fax_compat._telnyx.async_api import performer
from twilio_fax_compat.server.accounts import Account
from twilio_fax_compat.server.held_call import HeldCall
from twilio_fax_compat.server.telnyx_http import TelnyxHttp
from twilio_fax_compat.server.threads import Threads

_LIST_FIELDS = frozenset({*FILTERS, "Page", "PageSize", "PageToken"})


@frozen
class Urls:
    """
    The addresses in an answer.

    *api_url* is the base of all links, *webhook_url* gets the events of a fax that has a
    ``StatusCallback``, and *documents* makes each ``media_url``.
    """

    api_url: str
    webhook_url: str | None = None
    documents: Documents | None = None


def known_fields(request: TwilioRequest) -> Mapping[str, object]:
    """
    Return the fields of *request* that Twilio documents for its operation.

    Programs send others out of habit, such as ``StatusCallbackMethod``.
    """
    if request.method == "GET":
        known = _LIST_FIELDS
    elif request.path.rstrip("/") == "/Faxes":
        known = frozenset(PARAMETERS)
    else:
        known = frozenset({"Status"})
    return {name: value for name, value in request.fields.items() if name in known}


@define(eq=False)
class TelnyxApi:
    """One account's fax API, answered by Telnyx."""

    account: Account
    threads: Threads = field(repr=False)
    http: TelnyxHttp | None = field(repr=False)
    settings: FlowSettings = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.settings = flow_settings(self.account.sid, self.account.telnyx)

    async def answer(self, request: TwilioRequest, urls: Urls, call: HeldCall) -> TwilioResponse:
        """Answer *request* in *call*, with *urls*."""
        assert self.http is not None  # only accounts without a former provider come here

        async def run(function: Callable[..., Any], effect: Effect) -> Any:
            result = await self.threads.of_ledger(function, effect)
            if call.check is not None and isinstance(effect, BeginSend):
                await call.check()
            return result

        flow = self.flow(request, urls)
        return await run_async(flow, performer(call, self.http.send, run))

    def flow(self, request: TwilioRequest, urls: Urls) -> Flow:
        """Return the flow that answers *request* with *urls*."""
        settings = evolve(
            self.settings,
            api_url=urls.api_url,
            webhook_url=urls.webhook_url,
            documents=urls.documents,
        )
        request = evolve(request, fields=known_fields(request))
        if request.method == "GET" and request.path.rstrip("/") == "/Faxes":
            return list_full_page(request.fields, "/Faxes", settings)
        return answer_request(request, settings)
