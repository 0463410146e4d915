import pytest

from tests.webhooks.serving import FRAMEWORKS, served
from twilio_fax_compat.testing import TelnyxEmulator


@pytest.fixture(name="framework", params=sorted(FRAMEWORKS))
def _framework(request):
    return request.param


@pytest.fixture(name="telnyx")
def _telnyx():
    with TelnyxEmulator(webhook_backoff=0.01) as telnyx:
        yield telnyx


@pytest.fixture(name="app")
def _app(framework, telnyx):
    with served(framework, telnyx.public_key) as (origin, log):
        log.url = origin
        yield log
