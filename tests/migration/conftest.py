"""Both providers, over real HTTP."""

import pytest

from tests.fakes.twilio import FakeTwilio
from tests.migration.clients import KINDS, legacy_client
from twilio_fax_compat.testing import TelnyxEmulator


@pytest.fixture(name="twilio")
def _twilio():
    with FakeTwilio() as twilio:
        yield twilio


@pytest.fixture(name="telnyx")
def _telnyx():
    with TelnyxEmulator() as telnyx:
        yield telnyx


@pytest.fixture(name="kind", params=KINDS)
def _kind(request):
    return request.param


@pytest.fixture(name="legacy")
def _legacy(kind, twilio):
    return legacy_client(kind, twilio)
