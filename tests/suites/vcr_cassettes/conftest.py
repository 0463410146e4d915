import os

import pytest


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    """Real ones are only needed to record."""
    if "TWILIO_ACCOUNT_SID" not in os.environ:
        monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef")
        monkeypatch.setenv("TWILIO_AUTH_TOKEN", "not-a-token")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("lawfax.outbox.time.sleep", lambda seconds: None)


@pytest.fixture(scope="module")
def vcr_config():
    return {"filter_headers": ["authorization"], "decode_compressed_response": True}
