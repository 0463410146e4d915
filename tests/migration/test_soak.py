"""The flag moves while eight threads send, fetch and list."""

import threading
from collections import Counter
from random import choice

import pytest

from tests.fakes.twilio import FakeTwilio
from tests.helpers import ACCOUNT, FAST, FROM
from tests.migration.clients import KINDS, legacy_client
from twilio_fax_compat import TelnyxSettings
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.migration import provider_of
from twilio_fax_compat.rest import Client
from twilio_fax_compat.testing import TelnyxEmulator

MOVE = ["off", "shadow", "5%", "50%", "on", "50%", "off"]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_or_doubled_on_the_way(kind, tmp_path):
    """Each fax goes out once, is found at every moment, and is once in a list that is whole."""
    flag = tmp_path / "flag"
    flag.write_text(MOVE[0])
    with FakeTwilio() as twilio, TelnyxEmulator() as telnyx:
        client, stranger = (
            Client(
                ACCOUNT,
                "token",
                environment=dict(telnyx.environ),
                telnyx=TelnyxSettings(retry=FAST),
                ledger=MemoryLedger(),
                legacy=legacy_client(kind, twilio),
                rollout=f"file:{flag}",
            )
            for _ in range(2)
        )
        sent, errors, stop = {}, [], threading.Event()

        def work(thread):
            number = 0
            try:
                while not stop.is_set():
                    number += 1
                    media = f"https://www.example.com/{thread}-{number}.pdf"
                    to = f"+1500555{thread}{number % 1000:03}"
                    fax = client.fax.faxes.create(to, media, from_=FROM)
                    sent[fax.sid] = (to, provider_of(fax))
                    assert client.fax.faxes(fax.sid).fetch().to == to
                    some = choice(list(sent))
                    for reader in (client, stranger):  # whose ledger knows of no fax
                        found = reader.fax.faxes(some).fetch()
                        assert (found.sid, provider_of(found)) == (some, sent[some][1])
                    if number % 5 == 0:
                        before = set(sent)
                        listed = [one.sid for one in client.fax.faxes.list(page_size=40)]
                        assert len(listed) == len(set(listed))
                        assert before <= set(listed)
            except BaseException as error:
                errors.append(error)
                stop.set()

        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
        for thread in threads:
            thread.start()
        for stage in MOVE:
            new = tmp_path / "flag.new"
            new.write_text(stage)
            new.replace(flag)
            if stop.wait(0.7):
                break
        stop.set()
        for thread in threads:
            thread.join()
        for error in errors:
            raise error

        by_provider = Counter(provider for _, provider in sent.values())
        assert by_provider == {"legacy": len(twilio.faxes), "telnyx": len(telnyx.faxes)}
        assert min(by_provider.values()) > 0
        numbers = [fax["to"] for fax in (*twilio.faxes, *telnyx.faxes)]
        assert Counter(numbers) == Counter(to for to, _ in sent.values())
        for sid, (_, provider) in sent.items():
            assert provider_of(client.fax.faxes(sid).fetch()) == provider
