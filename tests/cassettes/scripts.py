"""Programs of fax calls, generated with what Twilio answered, run on both clients."""

import json
from pathlib import Path

import httpx
import vcr.patch
from attrs import define
from hypothesis import strategies as st

from tests.cassettes.recordings import (
    ACCOUNT,
    API,
    digits,
    error,
    faxes,
    interaction,
    links,
    media_of,
)
from twilio_fax_compat import RetryPolicy, TelnyxSettings
from twilio_fax_compat.rest import Client

MATCH_ON = ["method", "scheme", "host", "port", "path", "query"]

ERRORS = [
    (400, 20001),
    (400, 20422),
    (400, 21211),
    (400, 21212),
    (401, 20003),
    (403, 20003),
    (404, 20404),
    (409, 20409),
    (429, 20429),
    (500, 20500),
    (503, 20503),
    (400, 21610),
]
FAX = [
    "sid account_sid from_ to quality media_sid media_url num_pages duration status direction",
    "api_version price price_unit date_created date_updated links url",
]
FAX = " ".join(FAX).split()
MEDIA = "sid account_sid fax_sid content_type date_created date_updated url".split()


@define
class Step:
    """A call of the program and what Twilio answered: ``(status, payload)`` for each request."""

    name: str
    argument: object
    answers: list


@st.composite
def steps(draw):
    name = draw(
        st.sampled_from("create fetch cancel delete list media medias unmedia fail".split())
    )
    if name == "fail":
        name = draw(st.sampled_from("create fetch cancel delete list media medias".split()))
        status, code = draw(st.sampled_from(ERRORS))
        argument = 2 if name == "list" else draw(faxes(direction="outbound"))
        payload = error(status, code, draw(st.sampled_from(["No", "Call +14155550123", ""])))
        return Step(name, argument, [(status, draw(st.sampled_from([payload, None])))])
    if name == "create":
        fax = draw(faxes(status="queued", direction="outbound", is_new=True))
        return Step(name, fax, [(201, fax)])
    if name == "cancel":
        fax = draw(faxes(status=draw(st.sampled_from(["canceled", "delivered", "failed"]))))
        return Step(name, fax, [(200, fax)])
    if name == "list":
        size = draw(st.integers(1, 4))
        found = draw(st.lists(faxes(), max_size=9, unique_by=lambda fax: fax["sid"]))
        if draw(st.booleans()):
            found.sort(key=lambda fax: fax["date_created"], reverse=True)
        return Step(name, size, list(pages(found, size)))
    fax = draw(faxes())
    if name in ("fetch", "delete"):
        return Step(name, fax, [(200, fax)] if name == "fetch" else [(204, None)])
    fax["media_sid"] = "ME" + draw(st.just(fax["sid"][2:]) | digits)
    fax["media_url"] = draw(links)
    if name == "unmedia":
        return Step(name, fax, [(204, None)])
    if name == "medias":
        media = [media_of(fax) for _ in range(draw(st.integers(0, 2)))]
        url = fax["links"]["media"] + "?PageSize=50&Page=0"
        return Step(name, fax, [(200, envelope("media", media, url, 0, 50))])
    return Step(name, fax, [(200, media_of(fax))])


def listed(*dates, size=2):
    """Return a list of delivered faxes that were created on *dates*."""
    found = []
    for number, date in enumerate(dates):
        sid = f"FX{number:032x}"
        url = f"{API}/Faxes/{sid}"
        fax = {
            **dict.fromkeys(
                ("media_sid", "media_url", "num_pages", "duration", "price", "price_unit")
            ),
            "sid": sid,
            "account_sid": ACCOUNT,
            "api_version": "v1",
            "direction": "outbound",
            "status": "delivered",
            "from": "+15005550006",
            "to": "+15005550009",
            "quality": "fine",
            "date_created": date + "T10:00:00Z",
            "date_updated": date + "T10:00:00Z",
            "links": {"media": url + "/Media"},
            "url": url,
        }
        found.append(fax)
    return Step("list", size, list(pages(found, size)))


def pages(found, size):
    """Yield the pages of a list as Twilio wrote them."""
    for number in range(max(1, -(-len(found) // size))):
        part = found[number * size : (number + 1) * size]
        begin = f"{API}/Faxes?PageSize={size}&Page="
        is_last = (number + 1) * size >= len(found)
        following = None if is_last else f"{begin}{number + 1}&PageToken=PA{part[-1]['sid']}"
        before = f"{begin}{number - 1}&PageToken=PB{part[0]['sid']}" if number else None
        yield 200, envelope("faxes", part, f"{begin}{number}", number, size, following, before)


def envelope(key, records, url, number, size, following=None, before=None):
    """Return a list as Twilio wrote it."""
    meta = {
        "key": key,
        "page": number,
        "page_size": size,
        "first_page_url": url,
        "previous_page_url": before,
        "next_page_url": following,
        "url": url,
    }
    return {key: records, "meta": meta}


def play(client, step):
    """Make the call of a step and return what the program sees, as plain values."""
    argument = step.argument
    try:
        return _seen(_called(client, step.name, argument))
    except Exception as error:
        if hasattr(error, "code"):
            names = ("status", "code", "msg", "uri", "method")
            seen = {name: getattr(error, name) for name in names}
            return {**seen, "type": type(error).__name__}
        if type(error).__name__ != "TwilioException":
            raise
        return {"type": "TwilioException", "status": error.args[1].status_code}


def _called(client, name, argument):
    if name == "list":
        return client.fax.faxes.list(page_size=argument)
    if name == "create":
        return client.fax.faxes.create(
            argument["to"], "https://www.example.com/fax.pdf", from_=argument["from"]
        )
    fax = client.fax.faxes(argument["sid"])
    media = argument["media_sid"] or "ME" + argument["sid"][2:]
    if name == "medias":
        return fax.media.list()
    if name == "media":
        # The program has it from the fax, where the shim tells its own.
        own = "twilio_fax_compat" in type(client).__module__
        return fax.media("ME" + argument["sid"][2:] if own else media).fetch()
    if name == "unmedia":
        return fax.media(media).delete()
    return {"fetch": fax.fetch, "delete": fax.delete, "cancel": lambda: fax.update("canceled")}[
        name
    ]()


def _seen(result):
    if isinstance(result, list):
        return [_seen(one) for one in result]
    if isinstance(result, bool):
        return result
    names = MEDIA if hasattr(result, "fax_sid") else FAX
    return {name: getattr(result, name) for name in names}


def write(path, said, serializer="yaml", **variations):
    """Write the cassette of what was *said*."""
    from vcr.serializers import jsonserializer, yamlserializer

    data = {"version": 1, "interactions": [interaction(*one, **variations) for one in said]}
    chosen = yamlserializer if serializer == "yaml" else jsonserializer
    Path(path).write_text(
        chosen.serialize(json.loads(json.dumps(data)) if not variations else data)
    )


def our_client():
    # Releases of vcrpy before 9 see what goes through an httpx.Client only.
    sees = hasattr(vcr.patch, "_HttpxHttpTransport_handle_request")
    return Client(
        ACCOUNT,
        "token",
        environment={"PATH": ""},
        http_client=None if sees else httpx.Client(),
        telnyx=TelnyxSettings(
            api_key="KEY0000000000000000000000000000000_example",
            connection_id="1",
            base_url="https://api.telnyx.com/v2",
            retry=RetryPolicy(backoff=0),
        ),
    )
