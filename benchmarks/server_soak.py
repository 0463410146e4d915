"""
Creates through gunicorn's workers, which are killed, in front of a Telnyx that misbehaves.

    python benchmarks/server_soak.py [--sends 2000] [--seed 1] [--ledger URL]

Printed are the faxes that went out twice or were lost, with what their client saw. There must be none.
"""

from __future__ import annotations

import argparse
import pprint
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.server import soak
from twilio_fax_compat.testing import TelnyxEmulator


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--sends", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--ledger", help="by default a new SQLite file")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    ledger = arguments.ledger or f"sqlite:///{folder}/fax.db"
    with TelnyxEmulator(speed=1.0) as telnyx, soak.gunicorn(folder, telnyx, ledger) as server:
        result = soak.run(server, telnyx, arguments.sends, arguments.clients, 1.5, arguments.seed)
    print(pprint.pformat(result))
    return 1 if result["twice"] or result["lost"] else 0


if __name__ == "__main__":
    sys.exit(main())
