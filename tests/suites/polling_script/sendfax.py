#!/usr/bin/env python
"""Send a fax and wait until it is there: sendfax.py [--every SECONDS] TO DOCUMENT..."""

import argparse
import sys
import time

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

WAITING = {"queued", "processing", "sending"}


def wait_for(client, sid, every, patience):
    """Return the fax when it is over, or as it is after *patience* seconds."""
    give_up = time.time() + patience
    while True:
        fax = client.fax.faxes(sid).fetch()
        if fax.status not in WAITING or time.time() > give_up:
            return fax
        time.sleep(every)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("to")
    parser.add_argument("documents", nargs="+")
    parser.add_argument("--from", dest="from_", default="+15005550006")
    parser.add_argument("--every", type=float, default=5.0)
    parser.add_argument("--patience", type=float, default=600.0)
    options = parser.parse_args(argv)

    try:
        client = Client()
        sids = [
            client.fax.faxes.create(to=options.to, media_url=document, from_=options.from_).sid
            for document in options.documents
        ]
    except TwilioRestException as error:
        print("refused: {} ({})".format(error.msg, error.code), file=sys.stderr)
        return 2
    except TwilioException as error:
        print("error: {}".format(error), file=sys.stderr)
        return 3

    failed = 0
    for sid in sids:
        fax = wait_for(client, sid, options.every, options.patience)
        print("{} {}".format(fax.sid, fax.status))
        failed += fax.status != "delivered"
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
