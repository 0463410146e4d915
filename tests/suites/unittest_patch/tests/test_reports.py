import os
import unittest
from datetime import datetime
from unittest import mock

from freezegun import freeze_time
from twilio.rest import Client
from twilio.rest.fax.v1.fax import FaxInstance

from billing import reports

CREDENTIALS = {
    "TWILIO_ACCOUNT_SID": "ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
    "TWILIO_AUTH_TOKEN": "your_auth_token",
}


def fax(status="delivered", to="+15005550009", **more):
    payload = {
        "sid": "FXaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "account_sid": "ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
        "from": "+15005550006",
        "to": to,
        "status": status,
        "direction": "outbound",
        "num_pages": "2",
        "price": "-0.0140",
        "date_created": "2021-03-04T05:06:07Z",
    }
    payload.update(more)
    return FaxInstance(mock.Mock(), payload)


@mock.patch.dict(os.environ, CREDENTIALS)
class YesterdayTest(unittest.TestCase):
    @freeze_time("2021-03-05 09:00:00")
    def test_asks_for_one_day(self):
        with mock.patch("twilio.rest.Client") as client:
            client.return_value.fax.faxes.list.return_value = [fax()]
            found = reports.yesterday()

        self.assertEqual(len(found), 1)
        client.return_value.fax.faxes.list.assert_called_once_with(
            date_created_after=datetime(2021, 3, 4, 9, 0),
            date_created_on_or_before=datetime(2021, 3, 5, 9, 0),
            limit=500,
        )

    def test_the_property_of_the_class_can_be_replaced(self):
        with mock.patch.object(Client, "fax", new_callable=mock.PropertyMock) as domain:
            domain.return_value.faxes.list.return_value = []
            self.assertEqual(reports.yesterday(), [])
        domain.return_value.faxes.list.assert_called_once()

    def test_a_client_that_is_a_stub(self):
        faxes = mock.Mock(**{"list.return_value": [fax("busy"), fax("delivered")]})
        stub = mock.create_autospec(Client, instance=True)
        stub.fax.faxes = faxes
        with mock.patch.object(reports.twilio.rest, "Client", return_value=stub):
            self.assertEqual(reports.summary(reports.yesterday()), {"busy": 1, "delivered": 1})


class SummaryTest(unittest.TestCase):
    def test_counts_by_status(self):
        found = [fax("delivered"), fax("busy"), fax("busy"), fax(FaxInstance.Status.NO_ANSWER)]

        self.assertEqual(reports.summary(found), {"delivered": 1, "busy": 2, "no-answer": 1})

    def test_pages_of_outbound_faxes(self):
        found = [fax(), fax(num_pages=None), fax(num_pages=3), fax("received", direction="inbound")]

        self.assertEqual(reports.pages(found), 5)

    def test_failed_ones_are_sent_again(self):
        found = [fax("busy", "+15005550001"), fax("failed", "+15005550002"), fax("canceled")]

        self.assertEqual(reports.to_send_again(found), ["+15005550001", "+15005550002"])

    def test_a_fax_is_shown_by_its_sid(self):
        self.assertEqual(
            repr(fax()), "<Twilio.Fax.V1.FaxInstance sid=FXaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>"
        )

    def test_values_are_converted(self):
        one = fax()

        self.assertEqual(one.num_pages, 2)
        self.assertEqual(str(one.price), "-0.0140")
        self.assertEqual(one.date_created.isoformat(), "2021-03-04T05:06:07+00:00")
        self.assertEqual(one.from_, "+15005550006")


class FetchTest(unittest.TestCase):
    @mock.patch("twilio.rest.fax.v1.fax.FaxContext.fetch")
    def test_a_method_of_the_library_can_be_replaced(self, fetch):
        fetch.return_value = fax("delivered")
        client = Client("ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", "your_auth_token")

        self.assertEqual(client.fax.faxes("FX1").fetch().status, "delivered")
        fetch.assert_called_once_with()
