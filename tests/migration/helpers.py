"""What the tests of the flag need."""

import logging
from threading import Thread

from tests.helpers import ACCOUNT, FROM, MEDIA_URL, TO

LOGGER = "twilio_fax_compat.migration"
FORM = {"To": TO, "From": FROM, "MediaUrl": MEDIA_URL}


def stage_of(rollout, to=TO):
    return rollout.decide({**FORM, "To": to}, ACCOUNT).stage


def warnings_in(caplog):
    """Return the texts of the warnings that the flag gave so far, and forget them."""
    texts = [
        record.getMessage()
        for record in caplog.records
        if record.name == LOGGER and record.levelno >= logging.WARNING
    ]
    caplog.clear()
    return texts


def in_threads(work, number=8):
    """Run *work* in several threads and raise what any raised."""
    errors = []

    def run():
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        raise error
