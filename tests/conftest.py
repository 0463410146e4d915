import os

import pytest
from hypothesis import settings

from tests import openapi
from tests.helpers import FAST, make_client
from twilio_fax_compat.ledger._opening import PROCESS_LEDGER
from twilio_fax_compat.testing import TelnyxEmulator

pytest_plugins = ["pytester"]

# A check that gates a change must not depend on luck; by hand, each run looks further.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("by hand", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "by hand")

# Projects of their own, which test_suites.py runs.
collect_ignore = ["suites"]


@pytest.fixture(name="telnyx")
def _telnyx():
    """Run an emulator and hold what was said against Telnyx's published file."""
    with TelnyxEmulator(outcomes={"+15005550001": "user_busy"}) as telnyx:
        yield telnyx
        said = telnyx.journal
    if openapi.is_available():
        for exchange in said:
            check(exchange)


def check(exchange):
    if exchange.fault or exchange.method == "PUT" or not exchange.path.startswith("/v2/faxes"):
        return
    is_json = "application/json" in exchange.headers.get("content-type", "application/json")
    if exchange.status is not None and exchange.status < 300 and is_json:
        openapi.check_request(exchange.method, exchange.path, exchange.query, exchange.json)
    openapi.check_answer(exchange.method, exchange.path, exchange.status, exchange.answer)


@pytest.fixture(name="client")
def _client(telnyx):
    return make_client(telnyx, retry=FAST)


@pytest.fixture(autouse=True)
def _forget_warnings():
    """Let each test see the warnings that are given once for each process."""
    from twilio_fax_compat._telnyx import developer_warnings

    developer_warnings._warned.clear()


@pytest.fixture(autouse=True)
def _forget_sends():
    """Let each test send the same fax anew, whatever became of the last one."""
    yield
    PROCESS_LEDGER.forget_sends()
