import os
import unittest
from unittest import mock

from billing import faxes
from twilio.base.exceptions import TwilioException, TwilioRestException

CREDENTIALS = {
    "TWILIO_ACCOUNT_SID": "ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
    "TWILIO_AUTH_TOKEN": "your_auth_token",
}


def rest_error(status, code, msg="Unable to create record"):
    return TwilioRestException(status, "/Faxes", msg=msg, code=code, method="POST")


@mock.patch.dict(os.environ, CREDENTIALS)
@mock.patch("billing.faxes.Client")
class SendInvoiceTest(unittest.TestCase):
    def test_sends_the_document(self, client):
        client.return_value.fax.faxes.create.return_value = mock.Mock(sid="FX123")

        self.assertEqual(faxes.send_invoice("+15005550009", 17), "FX123")

        client.assert_called_once_with("ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", "your_auth_token")
        client.return_value.fax.faxes.create.assert_called_once_with(
            to="+15005550009",
            from_="+15005550006",
            media_url="https://billing.example.com/invoices/17.pdf",
            quality="fine",
            status_callback="https://billing.example.com/fax/status",
        )

    @mock.patch("billing.faxes.time.sleep")
    def test_tries_again_when_twilio_is_busy(self, sleep, client):
        create = client.return_value.fax.faxes.create
        create.side_effect = [rest_error(429, 20429), rest_error(503, 20503), mock.Mock(sid="FX1")]

        self.assertEqual(faxes.send_invoice("+15005550009", 17), "FX1")
        self.assertEqual(sleep.mock_calls, [mock.call(2), mock.call(4)])

    @mock.patch("billing.faxes.time.sleep")
    def test_gives_up(self, sleep, client):
        client.return_value.fax.faxes.create.side_effect = rest_error(503, 20503, "Unavailable")

        with self.assertRaisesRegex(faxes.FaxFailed, "invoice 17: Unavailable"):
            faxes.send_invoice("+15005550009", 17)
        self.assertEqual(client.return_value.fax.faxes.create.call_count, 3)

    def test_does_not_repeat_a_refusal(self, client):
        client.return_value.fax.faxes.create.side_effect = rest_error(400, 21211)

        with self.assertRaises(faxes.FaxFailed):
            faxes.send_invoice("12", 17)
        client.return_value.fax.faxes.create.assert_called_once()

    def test_logs_the_sid(self, client):
        client.return_value.fax.faxes.create.return_value.sid = "FX42"

        with self.assertLogs("billing.faxes", "INFO") as logged:
            faxes.send_invoice("+15005550009", 17)
        self.assertEqual(logged.output, ["INFO:billing.faxes:invoice 17 is fax FX42"])


@mock.patch.dict(os.environ, CREDENTIALS)
@mock.patch("billing.faxes.Client")
class CancelInvoiceTest(unittest.TestCase):
    def test_cancels(self, client):
        context = client.return_value.fax.faxes.return_value
        context.update.return_value.status = "canceled"

        self.assertTrue(faxes.cancel_invoice("FX123"))
        client.return_value.fax.faxes.assert_called_once_with("FX123")
        context.update.assert_called_once_with(status="canceled")

    def test_an_unknown_fax_is_not_cancelled(self, client):
        context = client.return_value.fax.faxes.return_value
        context.update.side_effect = rest_error(404, 20404)

        self.assertFalse(faxes.cancel_invoice("FX123"))

    def test_other_errors_are_not_hidden(self, client):
        context = client.return_value.fax.faxes.return_value
        context.update.side_effect = rest_error(401, 20003)

        with self.assertRaises(TwilioRestException) as caught:
            faxes.cancel_invoice("FX123")
        self.assertEqual((caught.exception.status, caught.exception.code), (401, 20003))


class WithoutCredentialsTest(unittest.TestCase):
    @mock.patch.dict(os.environ, {"TWILIO_ACCOUNT_SID": "", "TWILIO_AUTH_TOKEN": ""})
    def test_there_is_no_client(self):
        with self.assertRaisesRegex(TwilioException, "Credentials are required"):
            faxes.send_invoice("+15005550009", 17)


class OurErrorsTest(unittest.TestCase):
    def test_an_error_tells_what_twilio_said(self):
        error = rest_error(400, 21211, "Unable to create record: no number")

        self.assertIsInstance(error, TwilioException)
        self.assertIn("HTTP 400 error: Unable to create record: no number", str(error))


if __name__ == "__main__":
    unittest.main()
