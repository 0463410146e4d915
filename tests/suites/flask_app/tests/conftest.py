import pytest
from twilio.request_validator import RequestValidator

from faxdesk import create_app

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def app():
    app = create_app(TESTING=True, SERVER_NAME="desk.example.com")
    app.config.update(TWILIO_ACCOUNT_SID="AC" + "1" * 32, TWILIO_AUTH_TOKEN=TOKEN)
    return app


@pytest.fixture
def http(app):
    return app.test_client()


@pytest.fixture
def twilio_posts(http):
    """Post a form as Twilio does, signed."""

    def post(path, token=TOKEN, **form):
        form = dict({"AccountSid": "AC" + "1" * 32, "ApiVersion": "v1"}, **form)
        url = "https://desk.example.com" + path
        signature = RequestValidator(token).compute_signature(url, form)
        return http.post(
            path,
            data=form,
            base_url="https://desk.example.com",
            headers={"X-Twilio-Signature": signature},
        )

    return post
