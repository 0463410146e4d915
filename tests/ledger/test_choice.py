"""Which ledger is used."""

from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.ledger._opening import PROCESS_LEDGER, chosen_ledger


def test_the_argument_comes_before_the_environment(tmp_path):
    """A ledger or its URL is used, else the environment's, else that of the process."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    mine = MemoryLedger()
    shared = chosen_ledger(url, {})

    assert chosen_ledger(mine, {"TWILIO_FAX_COMPAT_LEDGER": url}) is mine
    assert (
        chosen_ledger(None, {"TWILIO_FAX_COMPAT_LEDGER": url}) is shared is chosen_ledger(url, {})
    )
    assert chosen_ledger(None, {}) is PROCESS_LEDGER
    shared.close()
