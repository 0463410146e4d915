import pytest

from tests import openapi
from tests.conftest import check
from tests.server.serving import config_text, environ_of, serving
from twilio_fax_compat.testing import TelnyxEmulator


@pytest.fixture(scope="module", name="emulator")
def _emulator():
    with TelnyxEmulator(outcomes={"+15005550001": "user_busy"}) as telnyx:
        yield telnyx


@pytest.fixture(scope="module", name="shared")
def _shared(emulator, tmp_path_factory):
    """Run one server for all tests of a module."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "faxes.toml").write_text(config_text(emulator))
    with serving(folder, environ_of(emulator), "--config", str(folder / "faxes.toml")) as server:
        yield server


@pytest.fixture(name="telnyx")
def _telnyx(emulator):
    """Return the emulator without the faxes of other tests; hold its requests against Telnyx's file."""
    emulator.reset()
    yield emulator
    if openapi.is_available():
        for exchange in emulator.journal:
            check(exchange)


@pytest.fixture(name="server")
def _server(telnyx, shared):
    """Return the running server, in front of the emulator *telnyx*."""
    return shared
