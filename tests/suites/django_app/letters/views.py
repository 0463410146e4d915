from functools import wraps

from django.conf import settings
from django.http import HttpResponse, HttpResponseForbidden
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from twilio.request_validator import RequestValidator
from twilio.twiml.fax_response import FaxResponse

from letters.models import Letter


def validate_twilio_request(view):
    @csrf_exempt
    @require_POST
    @wraps(view)
    def validated(request, *args, **kwargs):
        validator = RequestValidator(settings.TWILIO_AUTH_TOKEN)
        signature = request.META.get("HTTP_X_TWILIO_SIGNATURE", "")
        if not validator.validate(request.build_absolute_uri(), request.POST, signature):
            return HttpResponseForbidden()
        return view(request, *args, **kwargs)

    return validated


@validate_twilio_request
def incoming(request):
    twiml = FaxResponse()
    twiml.receive(action=reverse("fax-received"), method="POST", store_media=True)
    return HttpResponse(str(twiml), content_type="application/xml")


@validate_twilio_request
def received(request):
    Letter.objects.create(
        sid=request.POST["FaxSid"],
        number=request.POST["From"],
        document=request.POST.get("MediaUrl", ""),
        incoming=True,
        status=request.POST["FaxStatus"],
        pages=request.POST.get("NumPages"),
    )
    return HttpResponse()


@validate_twilio_request
def status(request):
    Letter.objects.filter(sid=request.POST["FaxSid"]).update(
        status=request.POST["FaxStatus"], pages=request.POST.get("NumPages")
    )
    return HttpResponse(status=204)
