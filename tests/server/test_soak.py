"""Workers that are killed, clients that repeat, and a Telnyx that misbehaves: no fax twice, none lost."""

import os
import sys

import pytest

from tests.server import soak
from twilio_fax_compat.testing import TelnyxEmulator

pytest.importorskip("gunicorn", reason="gunicorn is not installed")


@pytest.mark.skipif(sys.platform != "linux", reason="the workers are found in /proc")
def test_no_fax_twice_and_none_lost(tmp_path):
    sends = int(os.environ.get("TWILIO_FAX_COMPAT_SOAK", "150"))
    with TelnyxEmulator(speed=1.0) as telnyx, soak.gunicorn(
        tmp_path, telnyx, f"sqlite:///{tmp_path}/fax.db"
    ) as server:
        result = soak.run(server, telnyx, sends, clients=8, kills_every=1.0)
    assert result["kills"] > 0
    assert (result["twice"], result["lost"], result["unfinished"]) == ({}, [], {}), result
