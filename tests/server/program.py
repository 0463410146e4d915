"""A program written for Twilio, as a web server: it validates and records each call, and returns the answer that the test chose."""

import threading
import time
from urllib.parse import parse_qsl

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from tests.server.serving import TOKEN

try:
    from twilio.request_validator import RequestValidator
except ImportError:
    from twilio_fax_compat.request_validator import RequestValidator


class _Quiet(WSGIRequestHandler):
    def log(self, *_):
        pass


class Call:
    """One request that the program got."""

    def __init__(self, request, token):
        self.at = time.monotonic()
        self.method, self.path = request.method, request.path
        # As it was on the wire: `request.url` has some characters decoded.
        self.url = f"http://{request.host}{request.environ['RAW_URI']}"
        self.headers = dict(request.headers)
        body = request.get_data(cache=True)
        self.body = body
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
        is_form = request.mimetype == "application/x-www-form-urlencoded"
        self.form = dict(pairs) if is_form else {}
        query = parse_qsl(request.query_string.decode(), keep_blank_values=True)
        self.fields = self.form or dict(query)
        signature = request.headers.get("X-Twilio-Signature", "")
        self.is_valid = RequestValidator(token).validate(self.url, self.form, signature)

    @property
    def token(self):
        return self.headers.get("I-Twilio-Idempotency-Token")

    @property
    def status(self):
        return self.fields.get("FaxStatus")


class Program:
    """
    The server. *answer* takes a `Call`, and returns a status, or a status, a body and headers.

    As a context manager it listens on a free port of *host*.
    """

    def __init__(self, answer=lambda _call: 204, host="127.0.0.1", token=TOKEN):
        self.answer, self.host, self.token = answer, host, token
        self.calls = []

    def __enter__(self):
        self._server = make_server(self.host, 0, self._serve, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://{self.host}:{self._server.server_port}"
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @Request.application
    def _serve(self, request):
        call = Call(request, self.token)
        self.calls.append(call)
        answer = self.answer(call)
        status, body, headers = answer if isinstance(answer, tuple) else (answer, "", {})
        return Response(body, status, headers)

    def of(self, sid):
        return [call for call in self.calls if call.fields.get("FaxSid") == sid]

    def statuses(self, sid):
        return [call.status for call in self.of(sid)]
