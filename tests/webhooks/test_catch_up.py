"""Events that an application missed are delivered later, once each, from Telnyx's own list."""

import contextlib
import threading
from datetime import timedelta

import httpx
import pytest

from tests.helpers import BUSY, FROM, TO, make_client, send, wait_until
from tests.webhooks import apps
from tests.webhooks.serving import ACCOUNT, FRAMEWORKS, listening
from twilio_fax_compat.__main__ import main
from twilio_fax_compat._core.facts import Facts
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.ledger.sqlite import SQLiteLedger
from twilio_fax_compat.testing import TelnyxEmulator
from twilio_fax_compat.webhooks import ASGIMiddleware, WSGIMiddleware, catch_up

HOUR = timedelta(hours=1)
DOWN = "http://127.0.0.1:1"
IGNORED = {"status_callback": "ignore"}


@pytest.fixture(name="telnyx")
def _telnyx():
    # Small pages, and no long waits for an application that is down.
    with TelnyxEmulator(webhook_backoff=0.01, webhook_attempts=2, page_size_max=3) as telnyx:
        yield telnyx


@pytest.fixture(name="log")
def _log():
    return apps.Log()


def wrapped(telnyx, log, framework="flask", **options):
    """Return an application in the middleware, which has a ledger of its own."""
    kind = ASGIMiddleware if framework == "starlette" else WSGIMiddleware
    options = {"ledger": MemoryLedger(), **options}
    return kind(
        FRAMEWORKS[framework](log),
        auth_token=apps.TOKEN,
        account_sid=ACCOUNT,
        public_key=telnyx.public_key,
        **options,
    )


def missed(telnyx, *numbers, path="/fax/status"):
    """Send faxes while the application is down, until Telnyx gives their events up."""
    client = make_client(telnyx, unsupported=IGNORED)
    sids = [send(client, to, status_callback=DOWN + path).sid for to in numbers]
    telnyx.settle()
    telnyx.flush_webhooks()
    assert {delivery.status for delivery in telnyx.deliveries} == {None}
    return sids


def run(telnyx, app=None, **options):
    return catch_up(app, since=HOUR, environ=telnyx.environ, **options)


def statuses(log):
    return [(form["FaxSid"], form["FaxStatus"]) for _, _, form, _ in log.seen]


@pytest.mark.parametrize("framework", sorted(FRAMEWORKS))
def test_an_application_that_was_down_gets_all_its_callbacks(telnyx, log, framework):
    """In the order in which they occurred, signed, and once, however often it is asked for."""
    telnyx.outcome(BUSY, "user_busy")
    first, second = missed(telnyx, TO, BUSY)
    app = wrapped(telnyx, log, framework)
    result = run(telnyx, app)

    assert statuses(log) == [
        (first, "queued"),
        (second, "queued"),
        (second, "busy"),
        (first, "delivered"),
    ]
    assert all(valid for *_, valid in log.seen)
    assert result.counts == {"accepted": 7 if len(result.events) == 7 else len(result.events)}
    assert [event.occurred_at for event in result.events] == sorted(
        event.occurred_at for event in result.events
    )
    assert run(telnyx, app).is_done
    assert len(log.seen) == 4


def test_an_incoming_fax_is_not_lost(telnyx, log):
    """Its TwiML is asked for and its action requested, days after its end."""
    telnyx.webhook_url = DOWN + "/fax"
    telnyx.receive("+15005550002", FROM, pages=3)
    telnyx.settle()
    telnyx.flush_webhooks()
    telnyx.advance(86400 * 2)
    result = catch_up(wrapped(telnyx, log), since=timedelta(days=3), environ=telnyx.environ)

    assert result.counts == {"accepted": 3}
    assert log.paths == ["/fax", "/fax/received"]
    assert log.seen[-1][2]["NumPages"] == "3"


def test_what_the_application_refuses_is_tried_again(telnyx, log, monkeypatch):
    """A refusal is repeated; what stays refused is for the next run, which delivers it."""
    monkeypatch.setattr("twilio_fax_compat.webhooks._local_calls.time.sleep", lambda _seconds: None)
    (sid,) = missed(telnyx, TO)
    app = wrapped(telnyx, log)
    log.statuses = [500, 200, 200]
    assert run(telnyx, app).is_done
    assert statuses(log) == [(sid, "queued"), (sid, "queued"), (sid, "delivered")]

    other = wrapped(telnyx, log)
    log.statuses = [500] * 10
    result = run(telnyx, other)
    assert result.counts == {"accepted": 2, "refused": 2}
    assert not result.is_done
    log.statuses = []
    assert run(telnyx, other).is_done


def test_events_go_to_the_inbox_of_a_running_application(telnyx, log, tmp_path):
    """The workers of the application deliver what was stored, in order and once."""
    url = f"sqlite:///{tmp_path}/fax.db"
    sids = missed(telnyx, TO, TO)
    app = wrapped(telnyx, log, ledger=url, inbox=True)
    app.start()
    try:
        stored = run(telnyx, ledger=url)
        again = run(telnyx, ledger=url)
        wait_until(lambda: len(log.seen) == 4)
        finished = run(telnyx, ledger=url)
    finally:
        app.close()

    assert stored.counts == {"stored": 8}
    assert again.counts == finished.counts == {"known": 8}
    for sid in sids:
        assert [status for other, status in statuses(log) if other == sid] == [
            "queued",
            "delivered",
        ]
    assert all(valid for *_, valid in log.seen)


@pytest.mark.parametrize("framework", ["flask", "starlette"])
def test_an_application_with_an_inbox_stores_what_it_gets(telnyx, log, framework, tmp_path):
    """Its own middleware stores the events, under its own name, and its workers deliver them."""
    url = f"sqlite:///{tmp_path}/fax.db"
    (sid,) = missed(telnyx, TO)
    options = {"ledger": url, "inbox": True, "application": "billing"}
    app = wrapped(telnyx, log, framework, **options)
    assert run(telnyx, app).counts == {"accepted": 4}
    app.close()
    other = wrapped(telnyx, apps.Log(), **{**options, "application": "reports"})
    other.start()
    server = wrapped(telnyx, log, **options)
    server.start()
    wait_until(lambda: len(log.seen) == 2)
    server.close()
    other.close()

    assert statuses(log) == [(sid, "queued"), (sid, "delivered")]
    assert run(telnyx, ledger=url, application="reports").counts == {"known": 4}


@pytest.mark.parametrize("framework", ["flask", "starlette"])
def test_it_may_run_while_webhooks_arrive(telnyx, log, framework, tmp_path):
    """Two runs at once, on all events, beside a server that takes them: each callback comes once."""
    url = f"sqlite:///{tmp_path}/fax.db"
    sids = missed(telnyx, *[TO] * 3)
    app = wrapped(telnyx, log, framework, ledger=url)
    client = make_client(telnyx, unsupported=IGNORED)
    results = []

    def catching_up():
        for _ in range(3):
            results.append(run(telnyx, app, include_delivered=True))

    runs = [threading.Thread(target=catching_up) for _ in range(2)]
    with serving(app, framework) as origin:
        for thread in runs:
            thread.start()
        for _ in range(4):
            sids.append(send(client, status_callback=origin + "/fax/status").sid)
            telnyx.settle()
        for thread in runs:
            thread.join()
        telnyx.flush_webhooks()
    last = run(telnyx, app, include_delivered=True)

    assert last.is_done
    assert len(results) == 6
    seen = statuses(log)
    assert sorted(seen) == sorted(
        (sid, status) for sid in sids for status in ("queued", "delivered")
    )
    for sid in sids:
        assert seen.index((sid, "queued")) < seen.index((sid, "delivered"))


@contextlib.contextmanager
def serving(app, framework):
    if framework != "starlette":
        with listening(app) as origin:
            yield origin
        return
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def test_pages_and_reasons_reach_a_program_that_polls(telnyx, tmp_path):
    """Without any webhook server, ``fetch`` then has what the events said."""
    ledger = SQLiteLedger(f"{tmp_path}/fax.db")
    telnyx.outcome(BUSY, "user_busy")
    first, second = missed(telnyx, TO, BUSY)
    client = make_client(telnyx, ledger=ledger)
    assert client.fax.faxes(first).fetch().num_pages is None
    result = run(telnyx, ledger=ledger, facts_only=True)

    assert result.counts == {"recorded": 2, "no-facts": 5}
    fax = client.fax.faxes(first).fetch()
    assert (fax.status, fax.num_pages, fax.duration) == ("delivered", 1, 30)
    assert client.fax.faxes(second).fetch().status == "busy"
    ledger.close()


def test_a_dry_run_only_lists(telnyx, log):
    """The application is not called, and neither a ledger nor an application is needed."""
    missed(telnyx, TO)
    result = run(telnyx, wrapped(telnyx, log), dry_run=True)

    assert result.counts == run(telnyx, dry_run=True).counts == {"listed": 4}
    assert log.seen == []


def test_only_events_of_the_own_fax_application(telnyx, log):
    """The connection id selects; without one all events are taken."""
    missed(telnyx, TO)
    other = {**telnyx.environ, "TELNYX_CONNECTION_ID": "1"}
    result = catch_up(wrapped(telnyx, log), since=HOUR, environ=other)
    assert (len(result.events), result.of_others) == (0, 4)
    del other["TELNYX_CONNECTION_ID"]
    assert len(catch_up(since=HOUR, environ=other, dry_run=True).events) == 4


def test_urls_and_prefixes(telnyx, log):
    """Another URL replaces Telnyx's, and a proxy's prefix is not the application's."""
    missed(telnyx, TO, path="/api/fax/status")
    app = wrapped(telnyx, log)
    assert run(telnyx, app, strip_prefix="/api").is_done
    assert log.paths == ["/fax/status"] * 2
    run(telnyx, wrapped(telnyx, log), url="https://app.example.com/fax/status")
    assert log.paths == ["/fax/status"] * 4
    assert log.seen[-1][-1]


def test_an_asgi_application_is_started_and_stopped(telnyx, log):
    """Its lifespan runs around the deliveries, with the state in their scopes."""
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    events = []

    @contextlib.asynccontextmanager
    async def lifespan(_app):
        events.append("start")
        yield {"database": "open"}
        events.append("stop")

    async def status(request):
        events.append((await request.form())["FaxStatus"] + " " + request.state.database)
        return Response()

    inner = Starlette(routes=[Route("/fax/status", status, methods=["POST"])], lifespan=lifespan)
    outer = Starlette(lifespan=lifespan)
    outer.add_middleware(
        ASGIMiddleware,
        auth_token=apps.TOKEN,
        account_sid=ACCOUNT,
        public_key=telnyx.public_key,
        ledger=MemoryLedger(),
    )
    outer.mount("/", inner)
    missed(telnyx, TO)

    assert run(telnyx, outer).is_done
    assert events == ["start", "queued open", "delivered open", "stop"]


def test_signatures_end_with_the_run(telnyx, log):
    """What is signed for a run is refused after it, and so is any other key."""
    from twilio_fax_compat.webhooks.verification import own_signatures

    body = telnyx.webhook({"event_type": "fax.queued", "id": "e", "payload": {}}, DOWN)[0]
    with listening(wrapped(telnyx, log)) as origin:
        with own_signatures() as sign:
            headers = sign(body)
            within = httpx.post(origin, content=body, headers=headers).status_code
        after = httpx.post(origin, content=body, headers=headers).status_code

    assert (within, after) == (200, 401)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ledger": MemoryLedger()}, "on disk or in a database"),
        ({"app": object(), "facts_only": True}, "either an application"),
        ({"facts_only": True, "since": timedelta(0)}, "positive timedelta"),
        ({"dry_run": True, "url": "app.example.com"}, "http or https URL"),
        ({"dry_run": True, "environ": {}}, "TELNYX_API_KEY"),
    ],
)
def test_wrong_settings_are_named(telnyx, options, words):
    """A setting that is missing or wrong is an error before anything is delivered."""
    options = {"since": HOUR, "environ": telnyx.environ, **options}
    with pytest.raises(TwilioException, match=words) as caught:
        catch_up(options.pop("app", None), **options)
    assert not isinstance(caught.value, TwilioRestException)


def test_telnyxs_refusal_is_twilios_error(telnyx):
    """A wrong API key is a 401 with Twilio's code."""
    wrong = {"environ": {**telnyx.environ, "TELNYX_API_KEY": "KEYwrong"}}
    with pytest.raises(TwilioRestException) as caught:
        catch_up(since=HOUR, dry_run=True, **wrong)
    assert (caught.value.status, caught.value.code) == (401, 20003)


@pytest.fixture(name="environ")
def _environ(telnyx, monkeypatch):
    for name, value in telnyx.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("TWILIO_FAX_COMPAT_LEDGER", raising=False)


@pytest.mark.usefixtures("environ")
def test_the_command_lists_and_stores(telnyx, tmp_path, capsys, monkeypatch):
    """The output has SIDs and results, and neither numbers nor URLs."""
    (sid,) = missed(telnyx, TO)
    path = tmp_path / "fax.db"
    ledger = SQLiteLedger(str(path))
    ledger.remember("x", Facts(page_count=1))
    ledger.close()
    assert main(["callbacks", "catch-up", "--since", "6h", "--dry-run"]) == 0
    listed = capsys.readouterr().out
    assert listed.count(sid) == 4
    assert "events: 4 (4 listed)" in listed
    monkeypatch.setenv("TWILIO_FAX_COMPAT_LEDGER", f"sqlite:///{path}")
    assert main(["callbacks", "catch-up"]) == 0
    assert main(["callbacks", "catch-up", "--ledger", f"sqlite:///{path}", "--all"]) == 0
    assert main(["callbacks", "catch-up", "--facts-only", "--connection", "1"]) == 0
    stored = capsys.readouterr().out

    assert "4 stored" in stored
    assert "4 known" in stored
    assert "4 of other Fax Applications" in stored
    for private in (TO, TO[1:], FROM[1:], "127.0.0.1", "fax.pdf"):
        assert private not in listed + stored


@pytest.mark.usefixtures("environ")
def test_the_command_delivers_to_an_application(telnyx, log, tmp_path, capsys, monkeypatch):
    """``--app`` names any object of a module; a refused event makes the exit status 1."""
    monkeypatch.setattr("twilio_fax_compat.webhooks._local_calls.time.sleep", lambda _seconds: None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "site_of_mine.py").write_text("class project: application = None\n")
    import site_of_mine

    site_of_mine.project.application = wrapped(telnyx, log)
    (sid,) = missed(telnyx, TO)
    command = ["callbacks", "catch-up", "--app", "site_of_mine:project.application"]
    log.statuses = [500] * 3
    assert main(command) == 1
    assert "1 refused" in capsys.readouterr().out
    assert main(command) == 0
    assert (sid, "delivered") in statuses(log)


@pytest.mark.usefixtures("environ")
@pytest.mark.parametrize(
    ("options", "words", "status"),
    [
        ([], "pass --ledger URL", 2),
        (["--ledger", "memory:"], "not shared between processes", 2),
        (["--ledger", "sqlite:////nowhere/fax.db"], "/nowhere does not exist", 2),
        (["--ledger", "sqlite:///{}/none.db"], "no ledger at", 2),
        (["--app", "nowhere"], "MODULE:NAME", 2),
        (["--app", "no_such_module:app"], "no_such_module", 2),
        (["--ledger", "mysql://u:secret@127.0.0.1:1/x"], "postgresql://", 2),
        (["--ledger", "sqlite:///{}/text.db"], "cannot be reached", 1),
    ],
)
def test_the_commands_errors(telnyx, options, words, status, tmp_path, capsys):
    """Each says what is missing or wrong, and no password."""
    (tmp_path / "text.db").write_text("this is not a database, but a text of some length " * 99)
    missed(telnyx, TO)
    options = [option.format(tmp_path) for option in options]

    assert main(["callbacks", "catch-up", *options]) == status
    error = capsys.readouterr().err
    assert words in error
    assert "secret" not in error


@pytest.mark.usefixtures("environ")
def test_the_commands_usage(monkeypatch, capsys):
    """A wrong period is an error of usage, and a wrong key is Telnyx's refusal."""
    with pytest.raises(SystemExit):
        main(["callbacks", "catch-up", "--since", "yesterday"])
    assert "as in 24h" in capsys.readouterr().err
    monkeypatch.setenv("TELNYX_API_KEY", "KEYwrong")
    assert main(["callbacks", "catch-up", "--dry-run"]) == 1
    assert "TELNYX_API_KEY" in capsys.readouterr().err
