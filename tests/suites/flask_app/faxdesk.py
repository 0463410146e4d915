"""A fax desk: sends what it is asked to, keeps what comes in."""

import os
from functools import wraps

from flask import Flask, Response, abort, current_app, jsonify, request, url_for
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.fax_response import FaxResponse

FINAL = {"delivered", "no-answer", "busy", "failed", "canceled"}


def create_app(**config):
    app = Flask(__name__)
    app.config.update(
        TWILIO_ACCOUNT_SID=os.environ.get("TWILIO_ACCOUNT_SID", ""),
        TWILIO_AUTH_TOKEN=os.environ.get("TWILIO_AUTH_TOKEN", ""),
        FAX_NUMBER="+15005550006",
        BLOCKED=(),
        **config,
    )
    app.outgoing, app.incoming = {}, []
    app.add_url_rule("/faxes", "send", send, methods=["POST"])
    app.add_url_rule("/faxes/<sid>", "show", show)
    app.add_url_rule("/fax/status", "status", status, methods=["POST"])
    app.add_url_rule("/fax/incoming", "incoming", incoming, methods=["POST"])
    app.add_url_rule("/fax/received", "received", received, methods=["POST"])
    return app


def from_twilio(view):
    """Let nobody but Twilio in."""

    @wraps(view)
    def checked(*args, **kwargs):
        validator = RequestValidator(current_app.config["TWILIO_AUTH_TOKEN"])
        signature = request.headers.get("X-Twilio-Signature", "")
        if not validator.validate(request.url, request.form, signature):
            abort(403)
        return view(*args, **kwargs)

    return checked


def send():
    client = Client(
        current_app.config["TWILIO_ACCOUNT_SID"], current_app.config["TWILIO_AUTH_TOKEN"]
    )
    try:
        fax = client.fax.faxes.create(
            to=request.form["to"],
            media_url=request.form["document"],
            from_=current_app.config["FAX_NUMBER"],
            status_callback=url_for("status", _external=True),
        )
    except TwilioRestException as error:
        return jsonify(error=error.code), 502 if error.status >= 500 else 400
    current_app.outgoing[fax.sid] = {"status": fax.status}
    return jsonify(sid=fax.sid), 202


def show(sid):
    if sid not in current_app.outgoing:
        abort(404)
    return jsonify(current_app.outgoing[sid])


@from_twilio
def status():
    fax = current_app.outgoing.setdefault(request.form["FaxSid"], {"status": "queued"})
    if fax["status"] not in FINAL:
        fax["status"] = request.form["FaxStatus"]
        fax["pages"] = request.form.get("NumPages", type=int)
        fax["error"] = request.form.get("ErrorCode", type=int)
    return "", 204


@from_twilio
def incoming():
    response = FaxResponse()
    if request.form["From"] in current_app.config["BLOCKED"]:
        response.add_child("Reject")
    else:
        response.receive(action=url_for("received"), media_type="application/pdf")
    return Response(str(response), mimetype="text/xml")


@from_twilio
def received():
    current_app.incoming.append(
        {
            "sid": request.form["FaxSid"],
            "from": request.form["From"],
            "status": request.form["FaxStatus"],
            "document": request.form.get("MediaUrl"),
        }
    )
    return ""


if __name__ == "__main__":
    create_app().run(port=5000)
