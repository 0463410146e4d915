"""Twilio's requests to an application: status callbacks, and the two of a received fax."""

from __future__ import annotations

import queue
import threading
import urllib.error
import urllib.request
from typing import Any, Callable
from urllib.parse import urlencode, urljoin
from xml.etree import ElementTree

import attr

from tests.fakes.twilio.faxes import Fax, signature

TIMEOUT = 15


@attr.frozen
class Callback:
    """A request to an application, and its answer. *status* is None if there was no answer."""

    url: str
    params: dict[str, str]
    signature: str
    status: int | None
    body: bytes = b""


class Caller:
    """Makes each request once, one after the other, in a thread."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._jobs: queue.Queue[Callable[[], None]] = queue.Queue()
        self.made: list[Callback] = []
        threading.Thread(target=self._work, daemon=True, name="twilio-callbacks").start()

    def later(self, job: Callable[[], None]) -> None:
        self._jobs.put(job)

    def flush(self) -> None:
        """Wait until all jobs so far are done."""
        self._jobs.join()

    def call(self, url: str, params: dict[str, str], method: str = "POST") -> Callback:
        if method == "GET":
            url += ("&" if "?" in url else "?") + urlencode(params)
            signed, data = signature(self._token, url, {}), None
        else:
            signed, data = signature(self._token, url, params), urlencode(params).encode()
        headers = {
            "X-Twilio-Signature": signed,
            "User-Agent": "TwilioProxy/1.1",
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        }
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                made = Callback(url, params, signed, answer.status, answer.read())
        except urllib.error.HTTPError as error:
            made = Callback(url, params, signed, error.code, error.read())
        except OSError:
            made = Callback(url, params, signed, None)
        self.made.append(made)
        return made

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job()
            finally:
                self._jobs.task_done()


def callback_fields(fax: Fax, media_link: str | None) -> dict[str, str]:
    """Return the parameters of a callback about *fax* in its present status."""
    resource = fax.resource
    params: dict[str, Any] = {
        "FaxSid": fax.sid,
        "AccountSid": resource["account_sid"],
        "From": resource["from"] or "",
        "To": resource["to"],
        "ApiVersion": "v1",
        "FaxStatus": fax.status,
    }
    if fax.original_media_url:
        params["OriginalMediaUrl"] = fax.original_media_url
    if fax.status in ("delivered", "received"):
        params.update(NumPages=resource["num_pages"], RemoteStationId=resource["to"])
        if media_link:
            params["MediaUrl"] = media_link
    if fax.error and fax.status in ("busy", "no-answer", "failed"):
        params.update(ErrorCode=fax.error[0], ErrorMessage=fax.error[1])
    return {name: str(value) for name, value in params.items()}


@attr.frozen
class Instructions:
    """What the application's TwiML says about an incoming fax."""

    action: str | None
    method: str
    store_media: bool
    rejects: bool


def read_twiml(text: bytes, url: str) -> Instructions | None:
    """Return what the document at *url* says, or None if it has no verb for faxes."""
    root = ElementTree.fromstring(text)
    if root.find("Reject") is not None:
        return Instructions(None, "POST", False, True)
    receive = root.find("Receive")
    if receive is None:
        return None
    action = receive.get("action")
    return Instructions(
        urljoin(url, action) if action else None,
        receive.get("method", "POST").upper(),
        receive.get("storeMedia", "true") != "false",
        False,
    )
