import pytest

from vault import Vault

DOCUMENT = "https://www.example.com/secret.pdf"


@pytest.fixture
def vault():
    return Vault()


@pytest.fixture
def sent(vault):
    return vault.finished(vault.send("+15005550009", DOCUMENT))


def test_a_fax_is_delivered(sent):
    assert sent.status == "delivered"
    assert sent.media_url


def test_documents_go_and_the_record_stays(vault, sent):
    assert vault.shred_documents(sent) == 1
    assert vault.client.fax.faxes(sent.sid).fetch().status == "delivered"


def test_a_trunk_that_wants_a_password(vault):
    fax = vault.send_by_trunk("sip:fax@partner.example.com", DOCUMENT, "user", "secret")

    assert fax.sid.startswith("FX")


def test_what_a_fax_costs(vault, sent):
    assert vault.cost(sent) > 0


def test_a_whole_fax_goes(vault, sent):
    assert sent.delete() is True
    assert sent.sid not in [fax.sid for fax in vault.client.fax.faxes.list(limit=50)]
