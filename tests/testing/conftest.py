import pytest

from tests.testing.helpers import connect


@pytest.fixture(name="http")
def _http(telnyx):
    with connect(telnyx) as http:
        yield http
