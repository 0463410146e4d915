"""`ready()` asks the ledger and Telnyx."""

import socket

import pytest

from tests.fakes.telnyx import FakeTelnyx
from twilio_fax_compat.health import ready
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.testing import TelnyxEmulator

KEY = "KEY0123456789"


def test_everything_works(tmp_path):
    with TelnyxEmulator() as telnyx:
        state = ready(ledger=f"sqlite:///{tmp_path / 'fax.db'}", environ=telnyx.environ)
    assert state
    assert state.as_json() == {"ready": True, "ledger": "ok", "telnyx": "ok"}
    assert [one.method for one in telnyx.journal] == ["GET"]


def test_telnyx_refuses(tmp_path):
    with TelnyxEmulator() as telnyx:
        environ = {**telnyx.environ, "TELNYX_API_KEY": KEY}
        state = ready(ledger=MemoryLedger(), environ=environ)
    assert not state
    assert state.parts == {"ledger": None, "telnyx": "HTTP 401"}


def test_telnyx_does_not_answer():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        base = "http://127.0.0.1:{}/v2".format(silent.getsockname()[1])
        environ = {
            "TELNYX_API_KEY": KEY,
            "TELNYX_CONNECTION_ID": "1",
            "TELNYX_BASE_URL": base,
        }
        state = ready(ledger=MemoryLedger(), environ=environ, timeout=0.2)
        assert not state
        assert "no answer" in state.parts["telnyx"]
        assert KEY not in str(state)
        assert ready(ledger=MemoryLedger(), environ=environ, telnyx=False)


@pytest.mark.parametrize("url", ["mysql://a", "sqlite:////nowhere/fax.db"])
def test_a_ledger_that_is_not_there(url):
    """A wrong setting is a trouble, not an exception in the health check."""
    with FakeTelnyx() as telnyx:
        state = ready(ledger=url, environ=telnyx.environ)
    assert not state
    assert state.parts["telnyx"] is None
    assert state.parts["ledger"]


def test_no_settings():
    state = ready(ledger=MemoryLedger(), environ={})
    assert "TELNYX_API_KEY" in state.parts["telnyx"]
