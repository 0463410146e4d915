"""The fixtures: the local Telnyx in Twilio's words, and Twilio's callbacks."""

import pytest

APPS = """
from twilio.request_validator import RequestValidator

TWIML = '<?xml version="1.0"?><Response><Receive action="/status"/></Response>'


def flask_app(token):
    from flask import Flask, Response, request

    app = Flask("app")
    app.seen = []

    @app.route("/<name>", methods=["POST"])
    def handle(name):
        signature = request.headers["X-Twilio-Signature"]
        valid = RequestValidator(token).validate(request.url, request.form, signature)
        app.seen.append((name, request.form.get("FaxStatus"), valid))
        return Response(TWIML, mimetype="text/xml")

    return app


def starlette_app(token):
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    async def handle(request):
        async with request.form() as form:
            fields = dict(form)
        signature = request.headers["X-Twilio-Signature"]
        valid = RequestValidator(token).validate(str(request.url), fields, signature)
        app.seen.append((request.path_params["name"], fields.get("FaxStatus"), valid))
        return Response(TWIML, media_type="text/xml")

    app = Starlette(routes=[Route("/{name}", handle, methods=["POST"])])
    app.seen = []
    return app
"""


def test_a_fax_is_steered(suite):
    """Complete, fail, hold, decide beforehand and look at what was sent."""
    suite.test(
        """
        import app, pytest

        def status(fax):
            return app.client().fax.faxes(fax.sid).fetch().status

        def test_complete(telnyx_fax):
            fax = app.send(quality="superfine")
            telnyx_fax.complete()
            assert status(fax) == "delivered"
            assert telnyx_fax.sent[0]["quality"] == "very_high"
            assert telnyx_fax.sent[0]["to"] == telnyx_fax.faxes[0]["to"] == "+15005550009"
            assert telnyx_fax.requests[-1].method == "GET"

        def test_fail(telnyx_fax):
            first, second = app.send(), app.send()
            telnyx_fax.fail("user_busy", first.sid)
            telnyx_fax.fail(sid=second.sid)
            assert (status(first), status(second)) == ("busy", "no-answer")

        def test_hold(telnyx_fax):
            telnyx_fax.hold()
            fax = app.send()
            assert [status(fax) for _ in range(9)] == ["queued"] * 9
            telnyx_fax.release()
            telnyx_fax.settle()
            assert telnyx_fax.status(fax.sid) == "delivered"

        def test_hold_is_over(telnyx_fax):
            assert app.wait(app.send().sid) == "delivered"

        def test_outcome(telnyx_fax):
            telnyx_fax.outcome("+15005550001", "user_busy")
            assert app.wait(app.send("+15005550001").sid) == "busy"

        def test_outcome_is_forgotten(telnyx_fax):
            assert app.wait(app.send("+15005550001").sid) == "delivered"
            assert len(telnyx_fax.faxes) == 1

        def test_receive(telnyx_fax):
            sid = telnyx_fax.receive("+15005550001", "+15005550006", pages=2)
            fax = app.client().fax.faxes(sid).fetch()
            assert (fax.direction, fax.status, fax.from_) == ("inbound", "received", "+15005550001")
            assert fax.media_url

        @pytest.mark.parametrize("sid", [None, "FX1", "FX" + "0" * 32])
        def test_unknown(telnyx_fax, sid):
            with pytest.raises(KeyError):
                telnyx_fax.complete(sid)
        """
    )
    suite.run().assert_outcomes(passed=10)


@pytest.mark.parametrize("kind", ["flask", "starlette"])
def test_callbacks_reach_the_app(suite, kind):
    """A WSGI or ASGI application gets Twilio's requests, signed with the client's own token."""
    suite.pytester.makepyfile(apps=APPS)
    suite.test(
        f"""
        import app, apps

        def test_it(telnyx_fax, twilio_fax_callbacks):
            served = apps.{kind}_app("token")
            twilio_fax_callbacks.forward_to(served, incoming_url="https://app.example.com/incoming")
            fax = app.send(status_callback="https://app.example.com/status")
            telnyx_fax.fail("user_busy")
            app.send()  # without a callback
            assert twilio_fax_callbacks.settle().statuses == ["queued", "busy"]
            telnyx_fax.receive("+15005550001", "+15005550006")
            assert [one.answered for one in twilio_fax_callbacks] == [200] * 4
            assert served.seen == [
                ("status", "queued", True),
                ("status", "busy", True),
                ("incoming", None, True),
                ("status", "received", True),
            ]
            callback = twilio_fax_callbacks[1]
            assert callback.fields["FaxSid"] == fax.sid
            assert callback.fields["AccountSid"] == "AC00000000000000000000000000000001"
            assert callback.fields["ErrorCode"] == "34002"
            assert "+1500555" not in repr(callback)
        """
    )
    suite.run("-s").assert_outcomes(passed=1)


def test_callbacks_reach_a_server(suite):
    """A URL gets them over HTTP, under the path of the callback's own URL."""
    suite.pytester.makepyfile(apps=APPS)
    suite.test(
        """
        import threading
        from wsgiref.simple_server import make_server
        import app, apps

        def test_it(twilio_fax_callbacks):
            served = apps.flask_app("token")
            server = make_server("127.0.0.1", 0, served)
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            try:
                twilio_fax_callbacks.forward_to(f"http://127.0.0.1:{server.server_port}/")
                app.send(status_callback="https://app.example.com/status")
                assert twilio_fax_callbacks.settle().statuses == ["queued", "delivered"]
            finally:
                server.shutdown()
                server.server_close()
            assert served.seen == [("status", "queued", True), ("status", "delivered", True)]
        """
    )
    suite.run().assert_outcomes(passed=1)


def test_callbacks_are_collected(suite):
    """Without an application they are only collected; pages and duration are known afterwards."""
    suite.test(
        """
        import app

        def test_it(telnyx_fax, twilio_fax_callbacks):
            fax = app.send(status_callback="https://app.example.com/status?job=7")
            assert [callback.status for callback in twilio_fax_callbacks] == ["queued"]
            telnyx_fax.settle()
            assert twilio_fax_callbacks[-1].fields["NumPages"] == "1"
            assert twilio_fax_callbacks[-1].url == "https://app.example.com/status?job=7"
            assert app.client().fax.faxes(fax.sid).fetch().num_pages == 1
            telnyx_fax.receive("+15005550001", "+15005550006")
            assert twilio_fax_callbacks.statuses[2:] == [None, "received"]
            assert twilio_fax_callbacks[-1].headers["x-twilio-signature"]
        """
    )
    suite.run().assert_outcomes(passed=1)


def test_an_error_of_the_app_is_the_tests(suite):
    """What the application raises is raised where the callback is made."""
    suite.test(
        """
        import app, pytest

        def broken(environ, start_response):
            raise ZeroDivisionError

        def test_it(twilio_fax_callbacks):
            twilio_fax_callbacks.forward_to(broken)
            app.send(status_callback="https://app.example.com/status")
            with pytest.raises(ZeroDivisionError):
                twilio_fax_callbacks.deliver()
        """
    )
    suite.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("backend", [None, "twilio"])
def test_they_need_the_emulator(suite, backend):
    """Elsewhere their tests are skipped, and told why."""
    suite.test("def test_it(telnyx_fax): pass\ndef test_too(twilio_fax_callbacks): pass")
    result = suite.run("-rs", backend=backend)

    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["*telnyx_fax needs --fax-backend=emulator*"])


def test_nothing_is_told_to_other_machines(suite):
    """Events stay at home: only a server of this machine is called."""
    suite.test(
        """
        import threading
        from http.server import BaseHTTPRequestHandler, HTTPServer
        import app

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.server.seen.append(self.headers["telnyx-timestamp"])
                self.send_response(200)
                self.end_headers()

        def test_it(telnyx_fax):
            server = HTTPServer(("127.0.0.1", 0), Handler)
            server.seen = []
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            app.send(status_callback="https://app.example.com/status")
            app.send(status_callback=f"http://127.0.0.1:{server.server_port}/status")
            telnyx_fax.emulator.flush_webhooks()
            server.shutdown()
            server.server_close()
            assert len(telnyx_fax.emulator.events) == 2
            assert len(server.seen) == len(telnyx_fax.emulator.deliveries) == 1
        """
    )
    suite.run().assert_outcomes(passed=1)
