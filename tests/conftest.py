import pytest

from tests.helpers import FAST, make_client
from twilio_fax_compat.testing import TelnyxEmulator


@pytest.fixture(name="telnyx")
def _telnyx():
    with TelnyxEmulator(outcomes={"+15005550001": "user_busy"}) as telnyx:
        yield telnyx


@pytest.fixture(name="client")
def _client(telnyx):
    return make_client(telnyx, retry=FAST)


@pytest.fixture(autouse=True)
def _forget_warnings():
    """Let each test see the warnings that are given once for each process."""
    from twilio_fax_compat import _drive

    _drive._warned.clear()
