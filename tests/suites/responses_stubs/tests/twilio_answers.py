FAXES = "https://fax.twilio.com/v1/Faxes"
ACCOUNT = "AC0123456789abcdef0123456789abcdef"


def fax(digit="1", **more):
    sid = "FX" + digit * 32
    known = {
        "sid": sid,
        "account_sid": ACCOUNT,
        "api_version": "v1",
        "from": "+15005550006",
        "to": "+15005550009",
        "quality": "fine",
        "direction": "outbound",
        "status": "queued",
        "media_sid": None,
        "media_url": None,
        "num_pages": None,
        "duration": None,
        "price": None,
        "price_unit": None,
        "date_created": "2021-03-04T05:06:07Z",
        "date_updated": "2021-03-04T05:06:07Z",
        "links": {"media": "{}/{}/Media".format(FAXES, sid)},
        "url": "{}/{}".format(FAXES, sid),
    }
    known.update(more)
    return known


def page(faxes, **meta):
    known = {
        "key": "faxes",
        "page": 0,
        "page_size": 50,
        "first_page_url": FAXES + "?PageSize=50&Page=0",
        "previous_page_url": None,
        "next_page_url": None,
        "url": FAXES + "?PageSize=50&Page=0",
    }
    known.update(meta)
    return {"faxes": faxes, "meta": known}
