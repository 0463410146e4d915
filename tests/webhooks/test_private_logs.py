"""Nothing that delivering a webhook writes to a log, at any level, is private."""

import logging
import urllib.request

import pytest

from tests.helpers import FROM, make_client
from tests.webhooks.driving import webhook
from tests.webhooks.serving import served
from twilio_fax_compat import TelnyxSettings
from twilio_fax_compat._telnyx.logs import LOGGERS
from twilio_fax_compat.testing.webhooks import signed_headers
from twilio_fax_compat.webhooks import Media

CALLER = "+15005550002"


@pytest.mark.parametrize(
    ("twiml", "streams"),
    [
        ('<Receive action="{there}/fax/received" method="GET"/>', False),
        ('<Receive action="{there}/fax/received"/>', True),
        ('<Receive action="{there}/fax/received" storeMedia="false"/>', False),
        ('<Receive action="/fax/received" storeMedia="false"/>', False),
    ],
)
def test_no_number_and_no_signed_link(framework, telnyx, caplog, twiml, streams):
    """Actions on other hosts, documents that are fetched, and links that are followed."""
    fax = telnyx.receive(CALLER, FROM)
    telnyx.settle()
    document = make_client(telnyx).fax.faxes("FX" + fax.replace("-", "")).fetch().media_url
    assert "Signature=" in document
    number = {"from": CALLER, "to": FROM}
    body = webhook("fax.received", direction="inbound", fax_id=fax, media_url=document, **number)
    media = Media(telnyx=TelnyxSettings().completed(telnyx.environ), streams=streams)
    with served("flask", telnyx.public_key) as (there, elsewhere), served(
        framework, telnyx.public_key, media=media
    ) as (origin, log):
        log.twiml = f"<Response>{twiml.format(there=there)}</Response>"
        caplog.clear()
        caplog.set_level(logging.DEBUG)
        for name in LOGGERS:
            caplog.set_level(logging.DEBUG, name)
        headers = signed_headers(telnyx._webhook_sender.key, body, telnyx.now)
        # This is not httpx, whose lines about the test's own requests are not meant.
        with opened(urllib.request.Request(origin + "/fax", body, headers)) as answer:
            assert answer.status == 200
        fields = (log.seen + elsewhere.seen)[-1][2]
        if "MediaUrl" in fields:
            with opened(fields["MediaUrl"]) as answer:
                assert answer.read().startswith(b"%PDF")
        text = caplog.text

    assert len(log.seen) + len(elsewhere.seen) == 2
    for private in (CALLER[1:], FROM[1:], "Signature=", "signature=", "/media/"):
        assert private not in text, [line for line in text.splitlines() if private in line]


def opened(request):
    return urllib.request.urlopen(request, timeout=30)
