"""ASGI applications of several frameworks, as they were written for Twilio."""

import asyncio

from tests.webhooks import apps

PIECES = [apps.RECEIVE[:30], apps.RECEIVE[30:]]


async def _note(log, request, fields):
    """Note what came, after a while in which a client that has gone would be noticed."""
    await asyncio.sleep(0.05)
    return log.add(request.url.path, request.method, dict(fields), True)


def _starlette_handlers(log):
    from starlette.background import BackgroundTask
    from starlette.responses import Response, StreamingResponse

    async def status(request):
        async with request.form() as form:
            fields = dict(form)
        code = await _note(log, request, fields)
        log.disconnected = await request.is_disconnected()
        log.scope = dict(request.scope)
        task = BackgroundTask(log.afterwards) if hasattr(log, "afterwards") else None
        return Response(status_code=code, background=task)

    async def incoming(request):
        async with request.form() as form:
            await _note(log, request, form)

        async def pieces():
            for piece in PIECES:
                await asyncio.sleep(0.01)
                yield piece

        return StreamingResponse(pieces(), media_type="text/xml")

    return status, incoming


def starlette_app(log):
    from starlette.applications import Starlette
    from starlette.routing import Route

    status, incoming = _starlette_handlers(log)
    return Starlette(
        routes=[
            Route("/fax/status", status, methods=["POST"]),
            Route("/fax", incoming, methods=["POST"]),
            Route("/fax/received", status, methods=["POST"]),
        ]
    )


def fastapi_app(log):
    from fastapi import FastAPI, Request

    app = FastAPI()
    status, incoming = _starlette_handlers(log)

    @app.post("/fax/status")
    async def fax_status(request: Request):
        return await status(request)

    @app.post("/fax")
    async def fax(request: Request):
        return await incoming(request)

    @app.post("/fax/received")
    async def fax_received(request: Request):
        return await status(request)

    return app


def litestar_app(log):
    from litestar import Litestar, Request, post
    from litestar.response import Stream

    async def fields_of(request):
        form = await request.form()
        return {name: form[name] for name in form}

    @post("/fax/status", status_code=200)
    async def status(request: Request) -> None:
        await _note(log, request, await fields_of(request))

    @post("/fax", status_code=200)
    async def incoming(request: Request) -> Stream:
        await _note(log, request, await fields_of(request))
        return Stream(iter(PIECES), media_type="text/xml")

    @post("/fax/received", status_code=200)
    async def received(request: Request) -> None:
        await _note(log, request, await fields_of(request))

    return Litestar([status, incoming, received], openapi_config=None, logging_config=None)


def quart_app(log):
    from quart import Quart, Response, request

    app = Quart(__name__)

    async def note():
        form = await request.form
        await asyncio.sleep(0.05)
        return log.add(request.path, request.method, form.to_dict(), True)

    @app.post("/fax/status")
    async def status():
        return "", await note()

    @app.post("/fax")
    async def incoming():
        await note()

        async def pieces():
            for piece in PIECES:
                yield piece

        return Response(pieces(), mimetype="text/xml")

    @app.post("/fax/received")
    async def received():
        return "", await note()

    return app


def django_app(log):
    apps.django_app(log)  # sets up the URLs
    from django.core.asgi import get_asgi_application
    from django.http import HttpResponse, StreamingHttpResponse
    from django.urls import path

    from tests.webhooks import urls

    def status(request):
        # A view that is not async runs in a thread, while Django listens for the client.
        return HttpResponse(status=log.add(request.path, request.method, request.POST.dict(), True))

    async def incoming(request):
        await asyncio.sleep(0.05)
        log.add(request.path, request.method, request.POST.dict(), True)

        async def pieces():
            for piece in PIECES:
                yield piece

        return StreamingHttpResponse(pieces(), content_type="text/xml")

    urls.urlpatterns[:] = [
        path("fax/status", status),
        path("fax", incoming),
        path("fax/received", status),
    ]
    return get_asgi_application()


APPS = {
    "django": django_app,
    "fastapi": fastapi_app,
    "litestar": litestar_app,
    "quart": quart_app,
    "starlette": starlette_app,
}
