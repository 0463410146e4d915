"""Applications as Twilio's quick starts had them: they know nothing of Telnyx, or of us."""

import time

try:
    from twilio.request_validator import RequestValidator
except ImportError:
    from twilio_fax_compat.request_validator import RequestValidator

TOKEN = "12345"
RECEIVE = (
    '<?xml version="1.0" encoding="UTF-8"?><Response><Receive action="/fax/received"/></Response>'
)


class Log:
    """What an application's handlers saw, and what they should answer."""

    def __init__(self):
        self.seen = []
        self.statuses = []
        self.twiml = RECEIVE
        self.crash = False
        self.delay = 0
        self.at_once = self.most_at_once = 0

    def add(self, path, method, form, valid):
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        time.sleep(self.delay)
        self.at_once -= 1
        if self.crash:
            self.crash = False
            raise RuntimeError("a bug in the application")
        self.seen.append((path, method, dict(form), valid))
        return self.statuses.pop(0) if self.statuses else 200

    @property
    def paths(self):
        return [path for path, *_ in self.seen]

    @property
    def statuses_told(self):
        return [form.get("FaxStatus") for _, _, form, _ in self.seen]


def flask_app(log):
    from flask import Flask, Response, request

    app = Flask(__name__)
    validator = RequestValidator(TOKEN)

    def handle():
        values = request.form if request.method == "POST" else {}
        valid = validator.validate(request.url, values, request.headers["X-Twilio-Signature"])
        return log.add(request.path, request.method, request.values, valid)

    @app.route("/fax/status", methods=["POST"])
    def status():
        return "", handle()

    @app.route("/fax", methods=["GET", "POST"])
    def incoming():
        return Response(log.twiml, handle(), mimetype="text/xml")

    @app.route("/fax/received", methods=["GET", "POST"])
    def received():
        status = handle()
        if "Media" in request.files:
            log.seen[-1][2]["Media"] = request.files["Media"].read()
        return "", status

    @app.route("/other", methods=["GET", "POST"])
    def other():
        return request.get_data()

    return app


def django_app(log):
    import django
    from django.conf import settings
    from django.http import HttpResponse
    from django.urls import path

    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["*"], ROOT_URLCONF="tests.webhooks.urls", SECRET_KEY="x", DEBUG=False
        )
        django.setup()
    from django.core.wsgi import get_wsgi_application

    from tests.webhooks import urls

    validator = RequestValidator(TOKEN)

    def handle(request):
        values = request.POST if request.method == "POST" else request.GET
        form = request.POST.dict() if request.method == "POST" else {}
        signature = request.META["HTTP_X_TWILIO_SIGNATURE"]
        valid = validator.validate(request.build_absolute_uri(), form, signature)
        return log.add(request.path, request.method, values.dict(), valid)

    def status(request):
        return HttpResponse(status=handle(request))

    def incoming(request):
        return HttpResponse(log.twiml, status=handle(request), content_type="application/xml")

    def received(request):
        code = handle(request)
        if "Media" in request.FILES:
            log.seen[-1][2]["Media"] = request.FILES["Media"].read()
        return HttpResponse(status=code)

    def other(request):
        return HttpResponse(request.body)

    urls.urlpatterns[:] = [
        path("fax/status", status),
        path("fax", incoming),
        path("fax/received", received),
        path("other", other),
    ]
    return get_wsgi_application()


def starlette_app(log):
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    validator = RequestValidator(TOKEN)

    async def handle(request):
        async with request.form() as form:
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            signature = request.headers["X-Twilio-Signature"]
            valid = validator.validate(str(request.url), fields, signature)
            told = fields if request.method == "POST" else dict(request.query_params)
            status = await run_in_threadpool(log.add, request.url.path, request.method, told, valid)
            if "Media" in form:
                log.seen[-1][2]["Media"] = await form["Media"].read()
        return status

    async def status(request: Request):
        return Response(status_code=await handle(request))

    async def incoming(request: Request):
        return Response(log.twiml, await handle(request), media_type="text/xml")

    async def other(request: Request):
        return Response(await request.body())

    return Starlette(
        routes=[
            Route("/fax/status", status, methods=["POST"]),
            Route("/fax", incoming, methods=["GET", "POST"]),
            Route("/fax/received", status, methods=["GET", "POST"]),
            Route("/other", other, methods=["GET", "POST"]),
        ]
    )
