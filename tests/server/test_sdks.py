"""Programs with Twilio's own SDKs run on the server by one changed line."""

import datetime

import pytest

from tests.server import node_programs
from tests.server.serving import ACCOUNT, FROM, TO, TOKEN

NODE = ["twilio-3-73-1", "twilio-3-40-0"]
MEDIA_URL = "https://www.example.com/fax.pdf"


@pytest.fixture(name="client")
def _client(server):
    pytest.importorskip(
        "twilio.rest.fax", reason="twilio 7.5.1, the last with fax, is not installed"
    )
    from twilio.rest import Client

    client = Client(ACCOUNT, TOKEN)
    client.fax.base_url = server.url
    yield client
    session = getattr(client.http_client, "session", None)
    if session is not None:
        session.close()


def test_python(client, telnyx):
    fax = client.fax.faxes.create(
        to=TO, media_url=MEDIA_URL, from_=FROM, quality="fine", store_media=True
    )
    assert (fax.status, fax.direction, fax.quality, fax.num_pages) == (
        "queued",
        "outbound",
        "fine",
        None,
    )
    assert isinstance(fax.date_created, datetime.datetime)
    telnyx.deliver(telnyx.faxes[0]["id"])
    fax = client.fax.faxes(fax.sid).fetch()
    assert (fax.status, fax.from_, fax.to) == ("delivered", FROM, TO)
    (media,) = fax.media.list()
    assert client.fax.faxes(fax.sid).media(media.sid).fetch().content_type == "application/pdf"
    assert client.fax.faxes(fax.sid).update().sid == fax.sid
    assert client.fax.faxes(fax.sid).delete() is True
    from twilio.base.exceptions import TwilioRestException

    with pytest.raises(TwilioRestException) as caught:
        client.fax.faxes(fax.sid).fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)
    with pytest.raises(TwilioRestException) as caught:
        client.fax.faxes.create(to="", media_url=MEDIA_URL, from_=FROM)
    assert (caught.value.status, caught.value.code) == (400, 21201)


def test_python_lists(client, telnyx):
    for _ in range(7):
        client.fax.faxes.create(to=TO, media_url=MEDIA_URL, from_=FROM)
        telnyx.advance(1)
    sids = ["FX" + fax["id"].replace("-", "") for fax in reversed(telnyx.faxes)]
    assert [fax.sid for fax in client.fax.faxes.list()] == sids
    assert [fax.sid for fax in client.fax.faxes.list(limit=5, page_size=2)] == sids[:5]
    assert [fax.sid for fax in client.fax.faxes.stream(page_size=3)] == sids
    since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    found = client.fax.faxes.list(from_=FROM, to=TO, date_created_after=since, limit=1500)
    assert [fax.sid for fax in found] == sids
    assert client.fax.faxes.list(to="+15005550002") == []
    page = client.fax.faxes.page(page_size=2)
    following = client.fax.faxes.get_page(page.next_page_url)
    assert [fax.sid for fax in following] == sids[2:4]


@node_programs.needs_node
@pytest.mark.parametrize("package", NODE)
def test_node(server, telnyx, package):
    """The second request of a program shows whether ``Connection: close`` was echoed."""
    said = node_programs.run(
        package,
        server,
        """
        const fax = await client.fax.faxes.create(
          {to: '+15005550009', from: '+15005550006', mediaUrl: 'https://www.example.com/fax.pdf',
           storeMedia: true, quality: 'fine'});
        say([fax.status, fax.to, fax.from, fax.quality, fax.dateCreated instanceof Date]);
        const again = await client.fax.faxes(fax.sid).fetch();
        say(again.sid === fax.sid);
        for (let n = 0; n < 4; n++) {
          await client.fax.faxes.create(
            {to: '+15005550009', from: '+15005550006', mediaUrl: 'https://www.example.com/fax.pdf'});
        }
        const list = await client.fax.faxes.list({limit: 20, pageSize: 2});
        say(list.length);
        say(new Set(list.map((one) => one.sid)).size);
        say((await client.fax.faxes.list({limit: 1500})).length);
        say((await client.fax.faxes.list({dateCreatedAfter: new Date(Date.now() - 86400000)})).length);
        say((await client.fax.faxes(fax.sid).media.list()).length);
        say((await client.fax.faxes(fax.sid).update({status: 'canceled'})).sid === fax.sid);
        say(await client.fax.faxes(fax.sid).remove());
        await client.fax.faxes(fax.sid).fetch();
        """,
        ACCOUNT,
        TOKEN,
    )
    error = said.pop()
    assert said == [
        ["queued", TO, FROM, "fine", True],
        True,
        5,
        5,
        5,
        5,
        0,
        True,
        True,
    ]
    assert (error["code"], error["status"]) == (20404, 404)


@node_programs.needs_node
@pytest.mark.parametrize("package", NODE)
def test_node_gets_errors_as_twilios(server, telnyx, package):
    (error,) = node_programs.run(
        package, server, "await client.fax.faxes.create({to: '+1', mediaUrl: 'x'});", ACCOUNT, TOKEN
    )
    assert (error["code"], error["status"]) == (21211, 400)
    (error,) = node_programs.run(
        package, server, "await client.fax.faxes.list();", ACCOUNT, "wrong"
    )
    assert (error["code"], error["status"]) == (20003, 401)
    assert "Authenticate" in error["message"]
