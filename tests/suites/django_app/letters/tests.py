from io import StringIO
from unittest import mock

from django.conf import settings
from django.core.management import call_command
from django.test import TestCase, override_settings
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.fax.v1.fax import FaxInstance

from letters import services
from letters.models import Letter

SID = "FX" + "5" * 32
DOCUMENT = "https://www.example.com/letter.pdf"


def fax(status, **more):
    return FaxInstance(None, dict({"sid": SID, "status": status}, **more))


class SendTests(TestCase):
    def setUp(self):
        patcher = mock.patch("letters.services.client")
        self.client_of_twilio = patcher.start()
        self.addCleanup(patcher.stop)
        self.create = self.client_of_twilio.fax.faxes.create
        self.letter = Letter.objects.create(number="+15005550009", document=DOCUMENT)

    def test_send(self):
        self.create.return_value = fax("queued")
        services.send(self.letter)

        self.letter.refresh_from_db()
        self.assertEqual((self.letter.sid, self.letter.status), (SID, "queued"))
        self.create.assert_called_once_with(
            to="+15005550009", media_url=DOCUMENT, from_="+15005550006"
        )

    def test_send_with_a_callback(self):
        self.create.return_value = fax("queued")
        services.send(self.letter, callback="https://office.example.com/fax/status/")

        self.assertEqual(
            self.create.call_args[1]["status_callback"], "https://office.example.com/fax/status/"
        )

    def test_a_refused_letter(self):
        self.create.side_effect = TwilioRestException(400, "/Faxes", code=21211)
        services.send(self.letter)

        self.letter.refresh_from_db()
        self.assertEqual((self.letter.sid, self.letter.status), (None, "refused"))

    def test_an_outage_is_not_hidden(self):
        self.create.side_effect = TwilioRestException(503, "/Faxes", code=20503)

        with self.assertRaises(TwilioRestException):
            services.send(self.letter)


class RefreshTests(TestCase):
    def setUp(self):
        for number, status in enumerate(["queued", "sending", "delivered", "new"]):
            Letter.objects.create(
                sid="FX{:032x}".format(number), number="+1", document=DOCUMENT, status=status
            )

    def test_those_under_way_are_asked_about(self):
        with mock.patch("letters.services.client") as client:
            fetch = client.fax.faxes.return_value.fetch
            fetch.side_effect = [fax("delivered", num_pages=2), fax("sending")]
            out = StringIO()
            call_command("refresh_letters", stdout=out)

        self.assertEqual(out.getvalue().strip(), "1 done")
        self.assertEqual(client.fax.faxes.call_count, 2)
        self.assertEqual(Letter.objects.get(pages=2).status, "delivered")

    def test_a_lost_letter(self):
        with mock.patch("letters.services.client") as client:
            fetch = client.fax.faxes.return_value.fetch
            fetch.side_effect = TwilioRestException(404, "/Faxes/FX1", code=20404)
            self.assertEqual(services.refresh_all(), 2)

        self.assertEqual(Letter.objects.filter(status="lost").count(), 2)


class ClientTests(TestCase):
    def test_the_client_has_the_account_of_the_settings(self):
        self.assertIsInstance(services.client, Client)
        self.assertEqual(services.client.account_sid, settings.TWILIO_ACCOUNT_SID)


@override_settings(TWILIO_AUTH_TOKEN="secret")
class CallbackTests(TestCase):
    def post(self, path, token="secret", **form):
        url = "http://testserver" + path
        signature = RequestValidator(token).compute_signature(url, form)
        return self.client.post(path, form, HTTP_X_TWILIO_SIGNATURE=signature)

    def test_a_fax_comes_in(self):
        answer = self.post("/fax/incoming/", FaxSid=SID, From="+15005550009")

        self.assertContains(
            answer, '<Receive action="/fax/received/" method="POST" storeMedia="true" />'
        )

    def test_a_received_fax(self):
        answer = self.post(
            "/fax/received/",
            FaxSid=SID,
            From="+15005550009",
            FaxStatus="received",
            NumPages="4",
            MediaUrl="https://media.twiliocdn.com/x",
        )

        self.assertEqual(answer.status_code, 200)
        letter = Letter.objects.get(incoming=True)
        self.assertEqual((letter.sid, letter.pages), (SID, 4))

    def test_a_status(self):
        Letter.objects.create(sid=SID, number="+1", document=DOCUMENT, status="queued")
        answer = self.post("/fax/status/", FaxSid=SID, FaxStatus="delivered", NumPages="1")

        self.assertEqual(answer.status_code, 204)
        self.assertEqual(Letter.objects.get(sid=SID).status, "delivered")

    def test_a_forged_status(self):
        Letter.objects.create(sid=SID, number="+1", document=DOCUMENT, status="queued")
        answer = self.post("/fax/status/", token="guess", FaxSid=SID, FaxStatus="delivered")

        self.assertEqual(answer.status_code, 403)
        self.assertEqual(Letter.objects.get(sid=SID).status, "queued")

    def test_nobody_looks(self):
        self.assertEqual(self.client.get("/fax/status/").status_code, 405)
