"""The clients that are compared: how each creates, fetches, and reads four fields of each fax of a list."""

from __future__ import annotations

import inspect
from typing import Any, Callable

import httpx
from servers import ACCOUNT, FROM, MEDIA_URL, TO

from twilio_fax_compat.rest import Client

BODY = {
    "from": FROM,
    "to": TO,
    "media_url": MEDIA_URL,
    "store_media": True,
    "client_state": "eyJ0d2lsaW9fZmF4X2NvbXBhdCI6MSwidG9rZW4iOiIwMTIzIn0=",
}


class Peer:
    """One client. *stream* takes the size of a page, and ``distinct`` or ``equal``."""

    def __init__(
        self,
        name: str,
        create: Callable[[], Any],
        fetch: Callable[[], Any],
        stream: Callable[[int, str], int],
    ) -> None:
        self.name = name
        self.create = create
        self.fetch = fetch
        self.stream = stream


def bare(environ: dict[str, str], lists: str) -> Peer:
    """Return the client that all are compared with: a bare ``httpx.Client``."""
    url = environ["TELNYX_BASE_URL"] + "/faxes"
    client = httpx.Client(headers={"Authorization": "Bearer " + environ["TELNYX_API_KEY"]})
    body = {**BODY, "connection_id": environ["TELNYX_CONNECTION_ID"]}
    fax_id = client.post(url, json=body).json()["data"]["id"]

    def stream(size: int, times: str) -> int:
        number = total = 1
        count = 0
        while number <= total:
            params = {"page[number]": number, "page[size]": size}
            page = client.get(f"{lists}/{times}/v2/faxes", params=params).json()
            for fax in page["data"]:
                _ = fax["id"], fax["status"], fax["to"], fax["created_at"]
                count += 1
            number, total = number + 1, page["meta"]["total_pages"]
        return count

    peer = Peer(
        "httpx.Client",
        lambda: client.post(url, json=body).json(),
        lambda: client.get(url + "/" + fax_id).json(),
        stream,
    )
    peer.fax_id = fax_id
    return peer


def ours(environ: dict[str, str], lists: str, fax_id: str) -> Peer:
    """Return this library's client."""
    client = Client(ACCOUNT, "token", environment=dict(environ))
    listing = {
        times: Client(
            ACCOUNT,
            "token",
            environment={**environ, "TELNYX_BASE_URL": f"{lists}/{times}/v2"},
        )
        for times in ("distinct", "equal")
    }
    sid = "FX" + fax_id.replace("-", "")
    return Peer(
        "twilio_fax_compat",
        lambda: client.fax.faxes.create(TO, MEDIA_URL, from_=FROM),
        lambda: client.fax.faxes(sid).fetch(),
        lambda size, times: _read(listing[times].fax.faxes.stream(page_size=size)),
    )


def twilio(base: str) -> Peer | None:
    """Return Twilio's own client, on a server that answers as Twilio's did."""
    try:
        import twilio
        from twilio.rest import Client as TwilioClient
    except ImportError:
        print("skipped: twilio 7.5.1 is not installed")
        return None
    if twilio.__version__ != "7.5.1":
        print("skipped: twilio", twilio.__version__, "has no fax API; 7.5.1 has")
        return None
    client = TwilioClient(ACCOUNT, "token")
    client.fax.base_url = base
    return Peer(
        "twilio 7.5.1",
        lambda: client.fax.faxes.create(TO, MEDIA_URL, from_=FROM),
        lambda: client.fax.faxes("FX" + "0a" * 16).fetch(),
        lambda size, _times: _read(client.fax.faxes.stream(page_size=size)),
    )


def telnyx(environ: dict[str, str], lists: str, fax_id: str) -> Peer | None:
    """Return Telnyx's SDK."""
    try:
        import telnyx
    except ImportError:
        print("skipped: telnyx is not installed")
        return None
    key = environ["TELNYX_API_KEY"]
    sdk = telnyx.Telnyx(api_key=key, base_url=environ["TELNYX_BASE_URL"])
    listing = {
        times: telnyx.Telnyx(api_key=key, base_url=f"{lists}/{times}/v2")
        for times in ("distinct", "equal")
    }
    takes_size = "page_size" in inspect.signature(sdk.faxes.list).parameters

    def stream(size: int, times: str) -> int:
        options = {"page_size": size} if takes_size else {"extra_query": {"page": {"size": size}}}
        count = 0
        for fax in listing[times].faxes.list(**options):
            _ = fax.id, fax.status, fax.to, fax.created_at
            count += 1
        return count

    return Peer(
        "telnyx " + telnyx.__version__,
        lambda: sdk.faxes.create(
            connection_id=environ["TELNYX_CONNECTION_ID"], from_=FROM, to=TO, media_url=MEDIA_URL
        ),
        lambda: sdk.faxes.retrieve(fax_id),
        stream,
    )


def _read(faxes: Any) -> int:
    count = 0
    for fax in faxes:
        _ = fax.sid, fax.status, fax.to, fax.date_created
        count += 1
    return count
