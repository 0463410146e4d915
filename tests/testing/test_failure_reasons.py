"""The emulator lets faxes fail for documented reasons, and for others only when a test insists."""

import pytest

from tests.testing.helpers import NUMBER, OTHER, connect, post
from twilio_fax_compat._core.translation.failure_reasons import FAILURE_REASONS
from twilio_fax_compat.testing import TelnyxEmulator
from twilio_fax_compat.testing.failure_reasons import DOCUMENTED


def test_both_lists_are_the_same():
    """The emulator has a list of its own: a reason that only one of the two has was forgotten."""
    assert set(FAILURE_REASONS) == DOCUMENTED


def test_unknown_reasons_are_refused():
    """A reason that Telnyx does not document is an error that names a similar one."""
    with TelnyxEmulator() as telnyx, connect(telnyx) as http:
        fax = post(http, telnyx)
        with pytest.raises(ValueError, match="'no_such_reason'"):
            telnyx.fail(fax, "no_such_reason")
        with pytest.raises(ValueError, match="Did you mean user_busy"):
            telnyx.outcome(OTHER, "users_busy")
        with pytest.raises(ValueError, match="no failure reason 'late'"):
            telnyx.receive(OTHER, NUMBER, outcome="late")
        assert telnyx.fax(fax)["status"] == "queued"
        telnyx.fail(fax, "no_such_reason", undocumented=True)
        assert telnyx.fax(fax)["failure_reason"] == "no_such_reason"
    with pytest.raises(ValueError, match="no failure reason"):
        TelnyxEmulator(outcomes={OTHER: "busy"})
