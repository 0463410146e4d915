"""`install` makes ``from twilio.rest import Client`` ours, and is undone."""

import importlib
import os
import subprocess
import sys
import threading

import pytest

import twilio_fax_compat
from tests.helpers import FROM, MEDIA_URL, TO
from twilio_fax_compat.base.exceptions import TwilioRestException
from twilio_fax_compat.rest import Client

try:
    import twilio
except ImportError:
    twilio = None

needs_twilio = pytest.mark.skipif(twilio is None, reason="needs twilio: pip install twilio")


def twilio_modules():
    return {name: module for name, module in sys.modules.items() if name.split(".")[0] == "twilio"}


def test_code_that_cannot_be_edited_gets_our_client():
    """Within the block the names lead to ours, after it they are what they were."""
    if twilio is not None:
        importlib.import_module("twilio.rest")
    before = twilio_modules()
    with twilio_fax_compat.install():
        from twilio.base.exceptions import TwilioRestException as Caught
        from twilio.request_validator import RequestValidator
        from twilio.rest import Client as Installed
        from twilio.rest.fax.v1.fax import FaxInstance
        from twilio.rest.fax.v1.fax.fax_media import FaxMediaInstance
        from twilio.twiml.fax_response import FaxResponse

        assert Installed is Client
        assert Caught is TwilioRestException
        assert FaxInstance.__module__ == "twilio_fax_compat.rest.fax.v1.fax"
        assert '<Receive action="/x" />' in str(FaxResponse().receive(action="/x"))
        assert RequestValidator("12345").validate("https://x.example", {}, "") is False
        assert FaxMediaInstance.__module__ == "twilio_fax_compat.rest.fax.v1.fax.fax_media"
        assert importlib.import_module("twilio.rest.fax").Fax is not None
    after = twilio_modules()

    assert before == {name: after[name] for name in before}
    assert not any(module.__name__.startswith("twilio_fax") for module in after.values())
    if twilio is None:
        with pytest.raises(ImportError):
            importlib.import_module("twilio.rest")


def test_installations_nest():
    """The names come back with the last ``uninstall``; one too many does nothing."""
    twilio_fax_compat.install()
    with twilio_fax_compat.install():
        pass
    assert importlib.import_module("twilio.rest").Client is Client
    twilio_fax_compat.uninstall()
    assert getattr(sys.modules.get("twilio.rest"), "Client", None) is not Client
    twilio_fax_compat.uninstall()
    with twilio_fax_compat.install():
        assert importlib.import_module("twilio.rest").Client is Client


@needs_twilio
def test_twilios_own_classes_stay_as_they_are():
    """Only names are replaced: the installed package's class has the same members after it."""
    from twilio.rest import Client as Original

    members = dict(vars(Original))
    with twilio_fax_compat.install():
        client = Client("AC1", "token", environment={"PATH": ""})
        assert type(client._twilio_client()) is Original
        assert client.messages is not None

    assert members == dict(vars(Original))
    assert importlib.import_module("twilio.rest").Client is Original
    had_fax = twilio.__version__ == "7.5.1"
    assert ("twilio.rest.fax" in sys.modules) in (had_fax, False)


def test_an_unedited_program_sends_through_telnyx(telnyx):
    """A program that knows only Twilio's names runs after ``install()``."""
    code = f"""
import twilio_fax_compat
twilio_fax_compat.install()
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client
client = Client()
fax = client.fax.faxes.create(to="{TO}", media_url="{MEDIA_URL}", from_="{FROM}")
try:
    client.fax.faxes("FX" + "0" * 32).fetch()
except TwilioRestException as error:
    print(fax.status, error.code)
"""
    environ = {
        **telnyx.environ,
        "TWILIO_ACCOUNT_SID": "AC1",
        "TWILIO_AUTH_TOKEN": "token",
        "PYTHONPATH": os.pathsep.join(filter(None, [os.getcwd(), *sys.path])),
    }
    shown = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )

    assert shown.stdout == "queued 20404\n"


def test_importing_the_package_replaces_nothing():
    """Nothing of twilio is touched, or even imported, by importing this package."""
    code = (
        "import sys, twilio_fax_compat, twilio_fax_compat._install; print('twilio' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout == "False\n"


def test_installing_from_many_threads():
    """Threads that install and uninstall at once leave the names as they were."""
    before = twilio_modules()

    def work():
        for _ in range(20):
            with twilio_fax_compat.install():
                assert sys.modules["twilio.rest"].Client is Client

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    after = twilio_modules()
    assert before == {name: after[name] for name in before}
    assert getattr(after.get("twilio.rest"), "Client", None) is not Client


def test_public_names_are_there():
    """Every name the package promises can be imported, and no other is invented."""
    for name in twilio_fax_compat.__all__:
        assert getattr(twilio_fax_compat, name) is not None
        assert name in dir(twilio_fax_compat)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = twilio_fax_compat.no_such_name
