import pytest
from twilio.rest import Client

from clinic.gateway import FaxGateway
from holodeck import Holodeck


@pytest.fixture
def holodeck():
    return Holodeck()


@pytest.fixture
def client(holodeck):
    return Client("AC" + "a" * 32, "AUTHTOKEN", http_client=holodeck)


@pytest.fixture
def gateway(client):
    return FaxGateway(client, "+15005550006")
