"""
Small programs in the styles of real ones. ``# >kind`` marks each use that a scan must find on that line.

Calls are marked too, so that a test can compare: nothing is missing, and nothing is invented.
"""

PROGRAMS = {
    "script": """
from twilio.rest import Client  # >client
client = Client("AC1", "token")
fax = client.fax.faxes.create(to="+15005550009", from_="+15005550006", media_url="https://x/a.pdf")  # >call
print(fax.sid)
""",
    "v1": """
from twilio.rest import Client  # >client
client = Client()
for fax in client.fax.v1.faxes.list(limit=20):  # >call
    print(fax.status)
print(client.fax.v1.faxes("FX1").fetch().status)  # >call
""",
    "alias_of_import": """
from twilio.rest import Client as TwilioClient  # >client_or_alias
def send(to, url):
    return TwilioClient().fax.faxes.create(to=to, media_url=url)  # >call
""",
    "alias_of_list": """
from twilio.rest import Client  # >client
faxes = Client().fax.faxes  # >call
def cancel(sid):
    faxes(sid).update(status="canceled")  # >call
def everything():
    return faxes.stream()  # >call
""",
    "alias_of_domain": """
from twilio.rest import Client  # >client
class Sender:
    def __init__(self):
        self.api = Client().fax
    def send(self, **options):
        return self.api.faxes.create(**options)  # >call
""",
    "self_client": """
from twilio.rest import Client  # >client
class Office:
    def __init__(self, sid, token):
        self.client = Client(sid, token)
    def delete(self, sid):
        return self.client.fax.faxes(sid).delete()  # >call
    def get(self, sid):
        return self.client.fax.faxes.get(sid).fetch()  # >call
""",
    "injected": """
def send(client, to):
    return client.fax.faxes.create(to=to, media_url="https://x/a.pdf")  # >call
""",
    "chain": """
from twilio.rest import Client  # >client
status = (
    Client()
    .fax.faxes("FX1")  # >call_above
    .fetch()
    .status
)
""",
    "module_import": """
import twilio.rest  # >client_hands
client = twilio.rest.Client()
client.fax.faxes.create("+15005550009", "https://x/a.pdf")  # >call
""",
    "fax_class": """
from twilio.rest import Client  # >client
from twilio.rest.fax import Fax  # >fax_module
Fax(Client()).faxes.list()  # >call
""",
    "instance_types": """
from twilio.rest.fax.v1.fax import FaxInstance  # >fax_module
def is_done(fax: FaxInstance):
    return fax.status == FaxInstance.Status.DELIVERED
""",
    "sip": """
from twilio.rest import Client  # >client
Client().fax.faxes.create(  # >call
    to="sip:a@b",
    media_url="https://x/a.pdf",
    sip_auth_username="u",  # >sip
    sip_auth_password="p",  # >sip
)
""",
    "options": """
from twilio.rest import Client  # >client
Client().fax.faxes.create(  # >call
    to="+15005550009",
    media_url="https://x/a.pdf",
    ttl=5,  # >ttl
    status_callback="https://app/fax",  # >status_callback
    store_media=False,
    quality="fine",
)
""",
    "order_of_twilio_6": """
from twilio.rest import Client  # >client
def send(from_number, to, url):
    Client().fax.faxes.create(from_number, to, url)  # >call >positional
""",
    "numbers": """
from twilio.rest import Client  # >client
Client().fax.faxes.create(to="(415) 555-0100", media_url="https://x/a.pdf")  # >call >number
""",
    "media": """
from twilio.rest import Client  # >client
client = Client()
def shred(sid):
    for media in client.fax.faxes(sid).media.list():  # >call
        media.delete()  # >media_delete
def shred_one(sid, media):
    client.fax.faxes(sid).media(media).delete()  # >call >media_delete
def read(sid):
    return client.fax.faxes(sid).media.list()  # >call
""",
    "price": """
from twilio.rest import Client  # >client
def cost(sid):
    fax = Client().fax.faxes(sid).fetch()  # >call
    return abs(float(fax.price))  # >price
""",
    "flask": """
from flask import Flask, request
from twilio.twiml.fax_response import FaxResponse  # >twiml
from twilio.request_validator import RequestValidator  # >validator
app = Flask(__name__)
@app.route("/fax", methods=["POST"])
def incoming():
    response = FaxResponse()
    response.receive(action="/done")
    return str(response)
@app.route("/done", methods=["POST"])
def done():
    return request.form["FaxSid"] + request.values.get("MediaUrl", "")  # >handler >handler
""",
    "django": """
from django.http import HttpResponse
def status(request):
    print(request.POST["FaxSid"], request.POST.get("FaxStatus"))  # >handler >handler
    return HttpResponse("<Response><Receive action='/done'/></Response>")  # >twiml_text
""",
    "fastapi": """
from fastapi import FastAPI, Form
app = FastAPI()
@app.post("/fax/status")
def status(FaxSid: str = Form(), FaxStatus: str = Form()):  # >handler >handler
    return {}
""",
    "fastapi_alias": """
from fastapi import FastAPI, Form
app = FastAPI()
@app.post("/fax/status")
def status(sid: str = Form(alias="FaxSid")):  # >handler
    return sid
""",
    "celery": """
from celery import shared_task
from twilio.base.exceptions import TwilioRestException  # >exception
from twilio.rest import Client  # >client
@shared_task(bind=True)
def send(self, to, url):
    try:
        return Client().fax.faxes.create(to=to, media_url=url).sid  # >call
    except TwilioRestException as error:
        raise self.retry(exc=error)
""",
    "mock": """
from unittest import mock
@mock.patch("twilio.rest.Client")  # >patch
def test_send(client):
    client.return_value.fax.faxes.create.return_value.sid = "FX1"
    assert client.return_value.fax.faxes.create(to="+15005550009").sid == "FX1"  # >call
""",
    "raw_http": """
import requests
requests.post("https://fax.twilio.com/v1/Faxes", data={"To": "+15005550009"})  # >host
""",
    "asynchronous": """
import asyncio
from twilio.rest import Client  # >client
async def send(to):
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, lambda: Client().fax.faxes.create(to=to, media_url="u"))  # >call
""",
    "fixture": """
import pytest
from twilio.rest import Client  # >client
@pytest.fixture
def faxes():
    return Client().fax.faxes
def test_list(faxes):
    assert list(Client().fax.faxes.list()) == []  # >call
""",
    "dataclass": """
from dataclasses import dataclass
from twilio.rest import Client  # >client
@dataclass
class Gateway:
    client: Client
    def page(self):
        return self.client.fax.faxes.page(page_size=10)  # >call
""",
    "walrus_and_lambda": """
from twilio.rest import Client  # >client
send = lambda to: (client := Client()).fax.faxes.create(to=to, media_url="u")  # >call
""",
    "annotated": """
from typing import Any
from twilio.rest import Client  # >client
faxes: Any = Client().fax.faxes  # >call
faxes.create(to="+15005550009", media_url="u")  # >call
""",
    "old_client": """
from twilio.rest import TwilioRestClient  # >client_hands
client = TwilioRestClient("AC1", "token")
client.fax.faxes.list()  # >call
""",
    "text_template": """
def answer():
    return f'<Response><Receive action="{1}"/></Response>'  # >twiml_text
""",
}

_BODY = """
client = Client("AC1", "token")
{}
"""
OTHERS = {
    "sms": "from twilio.rest import Client\n"
    + _BODY.format("client.messages.create(to='+1', body='b')"),
    "voice": "from twilio.rest import Client\n"
    + _BODY.format("client.calls.create(to='+1', url='u')"),
    "verify": "from twilio.rest import Client\n"
    + _BODY.format("client.verify.services('V').fetch()"),
    "taskrouter": "from twilio.rest import Client\n"
    + _BODY.format("client.taskrouter.workspaces.list()"),
    "lookups": "from twilio.rest import Client\n"
    + _BODY.format("client.lookups.phone_numbers('+1').fetch()"),
    "sync": "from twilio.rest import Client\n" + _BODY.format("client.sync.services.list()"),
    "chat": "from twilio.rest import Client\n" + _BODY.format("client.chat.services.list()"),
    "video": "from twilio.rest import Client\n" + _BODY.format("client.video.rooms.create()"),
    "numbers": "from twilio.rest import Client\n"
    + _BODY.format(
        "client.incoming_phone_numbers.create(phone_number='+1', voice_receive_mode='fax')"
    ),
    "capability": "from twilio.rest import Client\n"
    + _BODY.format(
        "[n for n in client.available_phone_numbers('US').local.list(fax_enabled=True)]"
    ),
    "voice_twiml": "from twilio.twiml.voice_response import VoiceResponse\nVoiceResponse().say('x')\n",
    "sms_twiml": "from twilio.twiml.messaging_response import MessagingResponse\nMessagingResponse()\n",
    "validator": "from twilio.request_validator import RequestValidator\nRequestValidator('t')\n",
    "sms_handler": "def reply(request):\n    return request.form['MessageSid'], request.form.get('MediaUrl')\n",
    "other_package": "import faxlib\nfaxlib.fax.send('+1')\nfax = faxlib.Fax('x')\nfax.create('y')\n",
    "model": "class Fax:\n    price = 3\n\ndef total(faxes):\n    return sum(fax.price for fax in faxes)\n",
    "queue": "faxes = []\nfaxes.list = lambda: 1\nfaxes.append(2)\nfaxes.list()\n",
    "settings": "FAX_NUMBER = '+14155550100'\nfax = {'create': 1}\nfax.get('sid')\n",
    "media_query": "def view(request):\n    return request.GET.get('MediaUrl')\n",
    "word": "# we no longer fax anything to Twilio\nprint('fax')\n",
}
