"""
Takes the picture of the emulator's page that the README shows.

    python tests/testing/take_picture.py [--dark] [--width 1100] [FILE]
"""

import argparse
import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from selenium.webdriver.common.by import By

from tests.helpers import BUSY, FROM, make_client, send
from tests.testing.browser import browser
from tests.webhooks.serving import served
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.testing import TelnyxEmulator


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?", default=str(Path(__file__).with_name("page.png")))
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--width", type=int, default=1100)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    flags = [f"--window-size={options.width},820", "--hide-scrollbars"]
    if options.dark:
        flags.append("--force-dark-mode")
    with TelnyxEmulator(outcomes={BUSY: "user_busy"}) as telnyx, served(
        "flask", telnyx.public_key
    ) as (origin, _), browser(*flags) as driver:
        client = make_client(telnyx, ledger=MemoryLedger())
        send(client, to=BUSY)
        telnyx.receive("+15005550002", FROM, pages=3)
        telnyx.settle()
        fax = send(client, status_callback=origin + "/fax/status")
        telnyx.advance(10)
        telnyx.flush_webhooks()
        fax.fetch()
        driver.get(telnyx.url)
        if not options.list:
            name = telnyx.faxes[-1]["id"]
            driver.find_element(By.LINK_TEXT, name[:8]).click()
            driver.find_elements(By.CSS_SELECTOR, "summary")[-1].click()
        time.sleep(1)
        driver.save_screenshot(options.file)


if __name__ == "__main__":
    main()
