"""A Flask app written for Twilio: it receives faxes, and gets the status of sent faxes."""

import os

from flask import Flask, Response, abort, request
from twilio.request_validator import RequestValidator
from twilio.twiml.fax_response import FaxResponse

app = Flask(__name__)
validator = RequestValidator(os.environ["TWILIO_AUTH_TOKEN"])


@app.before_request
def only_from_twilio():
    signature = request.headers.get("X-Twilio-Signature", "")
    if not validator.validate(request.url, request.form, signature):
        abort(403)


@app.route("/fax", methods=["POST"])
def incoming():
    print(f"{request.form['FaxSid'][:6]}.. comes in")
    response = FaxResponse()
    response.receive(action="/fax/received")
    return Response(str(response), mimetype="text/xml")


@app.route("/fax/received", methods=["POST"])
def received():
    form = request.form
    print(f"{form['FaxSid'][:6]}.. is {form['FaxStatus']}, {form['NumPages']} pages")
    return ""


@app.route("/fax/status", methods=["POST"])
def status():
    form = request.form
    print(f"{form['FaxSid'][:6]}.. is {form['FaxStatus']}, callback says")
    return ""
