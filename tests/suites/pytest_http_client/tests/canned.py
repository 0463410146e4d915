"""Answers as they are in Twilio's documents."""

import json

from holodeck import Response

ACCOUNT = "AC" + "a" * 32
SID = "FX" + "b" * 32
MEDIA = "ME" + "c" * 32
FAXES = "https://fax.twilio.com/v1/Faxes"


def fax(sid=SID, **more):
    known = {
        "sid": sid,
        "account_sid": ACCOUNT,
        "api_version": "v1",
        "from": "+15005550006",
        "to": "+15005550009",
        "quality": "superfine",
        "direction": "outbound",
        "status": "queued",
        "media_sid": None,
        "media_url": None,
        "num_pages": None,
        "duration": None,
        "price": None,
        "price_unit": None,
        "date_created": "2015-07-30T20:00:00Z",
        "date_updated": "2015-07-30T20:00:00Z",
        "links": {"media": FAXES + "/" + sid + "/Media"},
        "url": FAXES + "/" + sid,
    }
    known.update(more)
    return known


def media(**more):
    known = {
        "sid": MEDIA,
        "account_sid": ACCOUNT,
        "fax_sid": SID,
        "content_type": "application/pdf",
        "date_created": "2015-07-30T20:00:00Z",
        "date_updated": "2015-07-30T20:00:00Z",
        "url": FAXES + "/" + SID + "/Media/" + MEDIA,
    }
    known.update(more)
    return known


def answer(status, body):
    return Response(status, json.dumps(body))


def page(records, key="faxes", url=FAXES, next_page_url=None, number=0):
    return answer(
        200,
        {
            key: records,
            "meta": {
                "key": key,
                "page": number,
                "page_size": 50,
                "first_page_url": url + "?PageSize=50&Page=0",
                "previous_page_url": None,
                "next_page_url": next_page_url,
                "url": url + "?PageSize=50&Page=" + str(number),
            },
        },
    )


def error(status, code, message):
    return answer(
        status,
        {
            "code": code,
            "message": message,
            "more_info": "https://www.twilio.com/docs/errors/" + str(code),
            "status": status,
        },
    )
