"""What Twilio's fax API answered, generated, and what Twilio's own client makes of it."""

import json
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from hypothesis import strategies as st

ACCOUNT = "AC00000000000000000000000000000001"
API = "https://fax.twilio.com/v1"
STATUSES = ["queued", "processing", "sending", "delivered", "receiving", "received"]
STATUSES += ["no-answer", "busy", "failed", "canceled"]

digits = st.text("0123456789abcdef", min_size=32, max_size=32)
numbers = st.from_regex(r"\+[1-9][0-9]{9,13}", fullmatch=True)
moments = st.datetimes(
    min_value=datetime(2017, 3, 1),
    max_value=datetime(2021, 12, 17),
).map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
links = st.sampled_from(
    [
        "https://media.twiliocdn.com/fax/AC1/ME1?Expires=1614834367&Signature=abc~&Key-Pair-Id=K1",
        "https://s3.amazonaws.com/a?X-Amz-Date=20210304T050607Z&X-Amz-Expires=7200&X-Amz-Signature=a",
        "https://www.example.com/a.pdf",
    ]
)
counts = st.none() | st.integers(0, 350)


@st.composite
def faxes(draw, status=None, direction=None, is_new=False):
    """Draw a fax resource as Twilio wrote it."""
    sid = "FX" + draw(digits)
    direction = direction or draw(st.sampled_from(["inbound", "outbound"]))
    link = None if is_new else draw(st.none() | links)
    priced = not is_new and draw(st.booleans())
    url = f"{API}/Faxes/{sid}"
    return {
        "sid": sid,
        "account_sid": ACCOUNT,
        "api_version": "v1",
        "direction": direction,
        "status": status or draw(st.sampled_from(STATUSES)),
        "from": draw(numbers),
        "to": draw(numbers),
        "quality": draw(st.sampled_from(["standard", "fine", "superfine"])),
        "media_sid": ("ME" + draw(st.just(sid[2:]) | digits)) if link else None,
        "media_url": link,
        "num_pages": None if is_new else draw(counts),
        "duration": None if is_new else draw(counts),
        "price": "-0.0140" if priced else None,
        "price_unit": "USD" if priced else None,
        "date_created": draw(moments),
        "date_updated": draw(moments),
        "links": {"media": url + "/Media"},
        "url": url,
    }


def media_of(fax):
    """Return the media resource of a fax that has some."""
    return {
        "sid": fax["media_sid"],
        "account_sid": ACCOUNT,
        "fax_sid": fax["sid"],
        "content_type": "application/pdf",
        "date_created": fax["date_created"],
        "date_updated": fax["date_updated"],
        "url": f"{fax['url']}/Media/{fax['media_sid']}",
    }


def error(status, code, message):
    """Return an error as Twilio wrote it."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return {"code": code, "message": message, "more_info": more, "status": status}


class Twilio:
    """Twilio's side: answers requests in order and keeps what was said."""

    def __init__(self, answers):
        self.answers = list(answers)
        self.said = []

    def request(self, method, url, params=None, data=None, **_rest):
        """Answer as an ``http_client`` does."""
        from twilio_fax_compat.http.response import Response

        query = urlencode([(k, v) for k, v in (params or {}).items() if v is not None])
        url += ("&" if "?" in url else "?") + query if query else ""
        form = urlencode([(k, v) for k, v in (data or {}).items() if v is not None])
        status, payload = self.answers.pop(0)
        self.said.append((method, url, form, status, payload))
        return Response(status, "" if payload is None else json.dumps(payload))


def interaction(method, url, form, status, payload, **variations):
    """Return what vcrpy keeps of a request and its answer."""
    body = "" if payload is None else json.dumps(payload)
    return {
        "request": {
            "method": method,
            "uri": url,
            "body": form or None,
            "headers": {"Accept": ["application/json"], "Authorization": ["Basic QUM6dG9rZW4="]},
        },
        "response": {
            "status": {"code": status, "message": "Whatever"},
            "headers": {"Content-Type": ["application/json"]},
            "body": {"string": variations.get("encode", str)(body)},
        },
    }


def form_of(text):
    return dict(parse_qsl(text, keep_blank_values=True))
