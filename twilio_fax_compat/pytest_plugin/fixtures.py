"""The fixtures of the plugin."""

from __future__ import annotations

from typing import Any, Iterator

import pytest

NEEDS = "{} needs --fax-backend=emulator"


@pytest.fixture
def telnyx_fax(request: pytest.FixtureRequest) -> Any:
    """Return the local Telnyx that receives the test's faxes: see `TelnyxFax`."""
    from twilio_fax_compat.pytest_plugin.telnyx_fax import TelnyxFax

    return TelnyxFax(_emulator(request, "telnyx_fax"))


@pytest.fixture
def twilio_fax_callbacks(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Yield the callbacks that Twilio would have made: see `Callbacks`."""
    from twilio_fax_compat.pytest_plugin.callbacks import Callbacks

    emulator = _emulator(request, "twilio_fax_callbacks")
    emulator.is_collected = True
    yield Callbacks(emulator)
    emulator.is_collected = False


def _emulator(request: pytest.FixtureRequest, name: str) -> Any:
    from twilio_fax_compat.pytest_plugin.options import RUN

    run = request.config.pluginmanager.get_plugin(RUN)
    emulator = getattr(getattr(run, "backend", None), "emulator", None)
    if emulator is None:
        pytest.skip(NEEDS.format(name))
    return emulator
