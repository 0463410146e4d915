"""
Run a program whose requests to Twilio's fax host go to a fake: ``python -m tests.fakes.twilio MODULE...``.

Each fetch moves a fax to its next status. The environment has the fake's account SID and auth token.
"""

import os
import runpy
import sys

from tests.fakes.twilio import FakeTwilio, lead_requests


def main() -> None:
    with FakeTwilio(steps_on_fetch=True) as twilio, lead_requests(twilio):
        os.environ["TWILIO_ACCOUNT_SID"] = twilio.account_sid
        os.environ["TWILIO_AUTH_TOKEN"] = twilio.auth_token
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
