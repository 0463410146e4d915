"""
Recorded conversations play back through vcrpy, with nobody listening.

The cassettes are made of the samples Telnyx publishes with its API (github.com/team-telnyx/openapi and
developers.telnyx.com/development/migration/twilio-migration-guide), numbers and keys made up.
"""

from datetime import datetime, timezone
from pathlib import Path

import httpx
import pytest
import vcr
import vcr.patch

from twilio_fax_compat import RetryPolicy, TelnyxSettings
from twilio_fax_compat.base.exceptions import TwilioRestException
from twilio_fax_compat.rest import Client

CASSETTES = Path(__file__).with_name("recordings")
FAX = "FX0ccc7b5448eb428c8da0f2ee4cde6b9a"


# Releases before 9 see what goes through an httpx.Client, later ones what goes through a transport.
SEES_TRANSPORTS = hasattr(vcr.patch, "_HttpxHttpTransport_handle_request")


@pytest.fixture(name="client")
def _client():
    return Client(
        "AC00000000000000000000000000000001",
        "token",
        environment={"PATH": ""},
        http_client=None if SEES_TRANSPORTS else httpx.Client(),
        telnyx=TelnyxSettings(
            api_key="KEY0000000000000000000000000000000_example",
            connection_id="234423",
            base_url="https://api.telnyx.com/v2",
            retry=RetryPolicy(backoff=0, lookups=(0, 0)),
        ),
    )


@pytest.fixture(autouse=True)
def cassette(request):
    """Play the cassette named after the test, which allows no request that is not in it."""
    path = CASSETTES / f"{request.node.name}.yaml"
    match_on = ["method", "scheme", "host", "path", "query"]
    with vcr.use_cassette(str(path), record_mode="none", match_on=match_on) as cassette:
        yield cassette
    assert cassette.all_played


def test_send(client):
    """The sample of sending a fax."""
    fax = client.fax.faxes.create(
        to="+13129457420", media_url="https://www.example.com/fax.pdf", from_="+13125790015"
    )

    assert (fax.sid, fax.status, fax.quality) == (FAX, "queued", "fine")
    assert fax.date_created == datetime(2020, 5, 5, 9, 59, 12, tzinfo=timezone.utc)


def test_fetch_and_cancel(client):
    """The samples of viewing a fax and of cancelling it."""
    fax = client.fax.faxes(FAX).fetch()
    assert (fax.status, fax.media_url) == ("sending", None)

    assert fax.update(status="canceled").status == "canceled"


def test_list(client):
    """The sample of listing faxes."""
    faxes = client.fax.faxes.list(limit=1)

    assert [(fax.sid, fax.direction) for fax in faxes] == [(FAX, "inbound")]
    assert faxes[0].media_url == "https://s3.amazonaws.com/faxes/fax.pdf?X-Amz-Expires=7200"


def test_delete(client):
    """The sample of deleting a fax, and of the one that is gone then."""
    assert client.fax.faxes(FAX).delete() is True
    with pytest.raises(TwilioRestException) as caught:
        client.fax.faxes(FAX).fetch()

    assert caught.value.code == 20404
    assert caught.value.details["errors"][0]["title"] == "Not Found"


def test_invalid(client):
    """The sample of a refused fax."""
    with pytest.raises(TwilioRestException) as caught:
        client.fax.faxes.create(
            "+13129457420", "https://www.example.com/a.pdf", from_="+13125790015"
        )

    assert (caught.value.status, caught.value.code) == (400, 20422)
    assert "The request parameters failed validation" in str(caught.value)
