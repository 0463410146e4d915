"""The ``_async`` calls: the same as their twins, over real HTTP, with every promise of them."""

import asyncio
import inspect
import os
import random
import subprocess
import sys
import time

import httpx
import pytest

from tests.fakes.telnyx import OK, FakeTelnyx, Post
from tests.fakes.twilio import FakeTwilio
from tests.helpers import ACCOUNT, BUSY, FAST, FROM, MEDIA_URL, TO, make_client, send
from tests.migration.clients import Wrapper
from tests.rest.test_never_twice import LOST, QUICK, posts
from twilio_fax_compat import TelnyxSettings
from twilio_fax_compat.base.domain import Domain
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
from twilio_fax_compat.base.page import Page
from twilio_fax_compat.base.version import Version
from twilio_fax_compat.http import _async_connections
from twilio_fax_compat.http.async_http_client import AsyncTwilioHttpClient
from twilio_fax_compat.http.response import Response
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.ledger.sqlite import SQLiteLedger
from twilio_fax_compat.migration import provider_of
from twilio_fax_compat.rest import Client
from twilio_fax_compat.rest.fax.v1.fax import FaxContext, FaxInstance, FaxList
from twilio_fax_compat.rest.fax.v1.fax.fax_media import (
    FaxMediaContext,
    FaxMediaInstance,
    FaxMediaList,
)
from twilio_fax_compat.testing import TelnyxEmulator

CALLS = (
    "create fetch update delete list stream page get_page request next_page previous_page".split()
)
TWINS = [
    (cls, name)
    for cls in (
        FaxList,
        FaxContext,
        FaxInstance,
        FaxMediaList,
        FaxMediaContext,
        FaxMediaInstance,
        Domain,
        Version,
        Page,
        Client,
    )
    for name in CALLS
    if hasattr(cls, name)
]


@pytest.fixture(name="telnyx")
def _telnyx():
    with TelnyxEmulator() as telnyx:
        yield telnyx


def create(client, to=TO, **options):
    return client.fax.faxes.create_async(to, MEDIA_URL, from_=FROM, **options)


def run(work, client=None):
    """Run *work* in an event loop of its own, and close *client* there."""

    async def main():
        try:
            return await work
        finally:
            if client is not None:
                await client.aclose()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("cls", "name"), TWINS, ids=[f"{cls.__name__}.{name}" for cls, name in TWINS]
)
def test_each_call_has_a_twin(cls, name):
    """With its arguments and its docstring."""
    first, second = getattr(cls, name), getattr(cls, name + "_async")
    assert list(inspect.signature(first).parameters.values()) == list(
        inspect.signature(second).parameters.values()
    )
    assert inspect.getdoc(first) == inspect.getdoc(second)


def test_the_life_of_a_fax(telnyx):
    """Created, fetched, listed, cancelled, its media read, and deleted."""
    client = make_client(telnyx)

    async def main():
        async with client:
            fax = await create(client, store_media=True)
            assert (fax.status, repr(fax)[:8]) == ("queued", "<Twilio.")
            assert (await fax.fetch_async()).sid == fax.sid
            canceled = await create(client)
            assert (await canceled.update_async("canceled")).status == "canceled"
            telnyx.settle()
            faxes = await client.fax.faxes.list_async()
            assert {one.sid for one in faxes} == {fax.sid, canceled.sid}
            page = await client.fax.faxes.page_async(page_size=1)
            following = await page.next_page_async()
            again = await client.fax.faxes.get_page_async(page.next_page_url)
            assert [one.sid for one in following] == [one.sid for one in again]
            (media,) = await fax.media.list_async()
            assert (await media.fetch_async()).sid == media.sid
            with pytest.raises(TwilioRestException):
                await media.delete_async()
            assert await fax.delete_async() is True
            with pytest.raises(TwilioRestException) as caught:
                await client.fax.faxes(fax.sid).fetch_async()
            assert (caught.value.status, caught.value.code) == (404, 20404)

    asyncio.run(main())


def test_streams(telnyx):
    """With `async for`, and awaited first as twilio 9 does."""
    client = make_client(telnyx)

    async def main():
        async with client:
            for number in range(25):
                await create(client, to=f"+1500555{number:04}")
            stream = client.fax.faxes.stream_async
            sids = [fax.sid async for fax in stream(page_size=10)]
            assert sids == [fax.sid for fax in client.fax.faxes.list()]
            assert [fax.sid async for fax in await stream(limit=7)] == sids[:7]
            with pytest.raises(TwilioException):
                await stream(page_size=-1)

    asyncio.run(main())


def test_sync_and_async_calls_of_one_client(telnyx):
    """Both see the same faxes, and share what is remembered."""
    client = make_client(telnyx)
    fax = send(client)
    assert run(client.fax.faxes(fax.sid).fetch_async(), client).sid == fax.sid


def test_errors_are_the_same(telnyx):
    client = make_client(telnyx)
    texts = []
    for call in (lambda: send(client, to="nonsense"), lambda: run(create(client, to="nonsense"))):
        with pytest.raises(TwilioRestException) as caught:
            call()
        texts.append((str(caught.value), caught.value.code))
    assert texts[0] == texts[1]


class AsyncClient:
    """An HTTP client in the style of Twilio's asynchronous one."""

    def __init__(self):
        self.calls = []

    async def request(
        self,
        method,
        url,
        params=None,
        data=None,
        headers=None,
        auth=None,
        timeout=None,
        allow_redirects=False,
    ):
        self.calls.append((method, url))
        async with httpx.AsyncClient() as client:
            answer = await client.request(method, url, content=data, headers=headers)
        return Response(answer.status_code, answer.text, answer.headers)


def test_a_client_of_ones_own(telnyx):
    """An `httpx.AsyncClient` and a client in Twilio's style carry the traffic."""

    async def main():
        seen = []

        async def note(request):
            seen.append(request.method)

        async with httpx.AsyncClient(event_hooks={"request": [note]}) as http_client:
            client = make_client(telnyx, http_client)
            fax = await create(client)
            assert (await fax.fetch_async()).status == "queued"
        assert seen == ["POST", "GET"]
        own = AsyncClient()
        await create(make_client(telnyx, own))
        assert [method for method, _ in own.calls] == ["POST"]

    asyncio.run(main())


def test_a_client_of_the_wrong_kind(telnyx):
    """A clear error, and nothing is sent."""
    with httpx.Client() as http_client, pytest.raises(TwilioException, match="not asynchronous"):
        run(create(make_client(telnyx, http_client)))
    with pytest.raises(TwilioException, match="is asynchronous, but"):
        send(make_client(telnyx, AsyncClient()))
    assert telnyx.faxes == []


def test_twilios_asynchronous_client(telnyx):
    """Ours, which needs no aiohttp, has the same arguments."""

    async def main():
        async with AsyncTwilioHttpClient(timeout=5) as http_client:
            fax = await create(make_client(telnyx, http_client))
            assert fax.status == "queued"
        with pytest.raises(TwilioException):
            await create(make_client(telnyx, http_client, retry=FAST), to=BUSY)
        for wrong in ({"max_retries": 3}, {"trace_configs": [1]}):
            with pytest.raises(TwilioException):
                AsyncTwilioHttpClient(**wrong)

    asyncio.run(main())
    assert len(telnyx.faxes) == 1


class RetryClient:
    """aiohttp_retry's class, by its name."""


def test_a_client_that_repeats_a_post(telnyx):
    http_client = AsyncClient()
    http_client.session = RetryClient()
    with pytest.raises(TwilioException, match="repeats a POST"):
        run(create(make_client(telnyx, http_client)))
    assert telnyx.faxes == []


@pytest.mark.parametrize("plan", LOST, ids=lambda plan: f"{plan.answer}-{plan.accepted}")
def test_lost_answers_double_nothing(plan):
    """The same outcome as of the sync call, and one fax at most, also after the program's own retry."""
    outcomes = []
    for is_async in (False, True):
        with FakeTelnyx(posts(plan)) as telnyx:
            client = make_client(telnyx, ledger=MemoryLedger(), retry=QUICK, timeout=0.4)
            results = []
            for _ in range(3):
                try:
                    fax = run(create(client), client) if is_async else send(client)
                    results.append(fax.status)
                except TwilioRestException as error:
                    results.append((error.status, bool(error.details["may_have_been_sent"])))
                    continue
                break
            outcomes.append((results[0], results[-1]))
            assert len(telnyx.all_faxes()) <= 1
    assert outcomes[0] == outcomes[1]


def test_cancelled_after_the_request_left():
    """The send is remembered: the next equal create finds the fax, and sends nothing."""
    with FakeTelnyx(posts(Post(0.0, "hang"))) as telnyx:
        telnyx.hang = 5
        client = make_client(telnyx, ledger=MemoryLedger(), retry=QUICK)

        async def main():
            async with client:
                with pytest.raises((asyncio.TimeoutError, TimeoutError)):
                    await asyncio.wait_for(create(client), 0.3)
                assert len(telnyx.posts) == 1
                fax = await create(client)
                assert [one["id"].replace("-", "") for one in telnyx.all_faxes()] == [fax.sid[2:]]

        asyncio.run(main())


CLOSES_ITS_LOOP = """
import asyncio, sys
from tests.rest.fax.test_async import FROM, MEDIA_URL, TO, QUICK, run
from twilio_fax_compat import TelnyxSettings
from twilio_fax_compat.ledger import MemoryLedger
from twilio_fax_compat.ledger.sqlite import SQLiteLedger
from twilio_fax_compat.rest import Client

ledger = SQLiteLedger(sys.argv[1]) if sys.argv[1:] else MemoryLedger()
client = Client("AC" + "1" * 32, "token", telnyx=TelnyxSettings(retry=QUICK), ledger=ledger)
loop = asyncio.new_event_loop()
task = loop.create_task(client.fax.faxes.create_async(TO, MEDIA_URL, from_=FROM))
loop.run_until_complete(asyncio.sleep(0.8))
assert not task.done()
loop.close()
print(run(client.fax.faxes.create_async(TO, MEDIA_URL, from_=FROM), client).sid)
task.get_coro().close()
assert not list(ledger.open_sends()), "the late end of the task was stored"
"""


@pytest.mark.parametrize("ledger", ["memory", "sqlite"])
def test_a_loop_that_is_closed_while_a_fax_is_sent(tmp_path, ledger):
    """Its task never ends: the next equal create looks for the fax, and sends nothing."""
    arguments = [str(tmp_path / "fax.db")] if ledger == "sqlite" else []
    with FakeTelnyx(posts(Post(0.0, "hang"))) as telnyx:
        telnyx.hang = 3.0
        # In a process of its own, because asyncio leaves the socket of that loop open.
        done = subprocess.run(
            [sys.executable, "-c", CLOSES_ITS_LOOP, *arguments],
            env={**os.environ, **telnyx.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "FX" + "".join(fax["id"] for fax in telnyx.all_faxes()).replace("-", "") == (
            done.stdout.strip()
        )


def test_cancelled_before_the_request_left():
    """While it waits for its turn: nothing is sent, and nothing remembered."""
    with FakeTelnyx(posts(Post(0.0, "hang"))) as telnyx:
        telnyx.hang = 1.0
        ledger = MemoryLedger()
        client = make_client(telnyx, ledger=ledger, retry=QUICK, at_once=1)

        async def main():
            async with client:
                first = asyncio.ensure_future(create(client, to="+15005550100"))
                await asyncio.sleep(0.2)
                with pytest.raises((asyncio.TimeoutError, TimeoutError)):
                    await asyncio.wait_for(create(client, to="+15005550101"), 0.2)
                assert len(list(ledger.open_sends())) == 1
                await asyncio.gather(first, return_exceptions=True)

        asyncio.run(main())
        assert [post["to"] for post in telnyx.posts] == ["+15005550100"]


@pytest.mark.skipif(not hasattr(asyncio, "timeout"), reason="asyncio.timeout is new in Python 3.11")
def test_a_timeout_before_the_request_left():
    """It is a TimeoutError, as after the request left."""
    with FakeTelnyx(posts(Post(0.0, "hang"))) as telnyx:
        telnyx.hang = 1.0
        client = make_client(telnyx, ledger=MemoryLedger(), retry=QUICK, at_once=1)

        async def main():
            async with client:
                first = asyncio.ensure_future(create(client, to="+15005550100"))
                await asyncio.sleep(0.2)
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await create(client, to="+15005550101")
                await asyncio.gather(first, return_exceptions=True)

        asyncio.run(main())
        assert [post["to"] for post in telnyx.posts] == ["+15005550100"]


@pytest.mark.slow
@pytest.mark.parametrize("ledger", ["memory", "sqlite"])
def test_cancelled_at_any_moment(tmp_path, ledger):
    """
    Each form is cancelled at random moments, and created again: Telnyx has one fax of each at most.

    A request that was cut off while it was written never arrived, and stays "may have been sent".
    """
    made = MemoryLedger() if ledger == "memory" else SQLiteLedger(str(tmp_path / "fax.db"))
    chance = random.Random(7)
    with FakeTelnyx(lambda _body: Post(0.0, 202) if chance.random() < 0.8 else OK) as telnyx:
        client = make_client(telnyx, ledger=made, retry=FAST)

        async def one(number):
            to = f"+1500555{number:04}"
            for turn in range(20):
                try:
                    seconds = chance.uniform(0, 0.04) if turn < 3 else 10
                    return (await asyncio.wait_for(create(client, to=to), seconds)).to
                except (asyncio.TimeoutError, TimeoutError):
                    continue
                except TwilioRestException as error:
                    assert error.details["may_have_been_sent"]
                    return None
            raise AssertionError("no end")

        async def main():
            async with client:
                answered = []
                # The slower the machine, the more requests are cut off while they are written.
                for start in range(0, 2000, 20):
                    faxes = await asyncio.gather(*map(one, range(start, start + 20)))
                    answered += [to for to in faxes if to is not None]
                    if start >= 180 and len(answered) > 100:
                        break
                assert len(asyncio.all_tasks()) == 1  # no task outlived its call
                return answered

        answered = asyncio.run(main())
        sent = [fax["to"] for fax in telnyx.all_faxes()]
    made.close()
    assert len(answered) > 100
    assert sorted(sent) == sorted(set(sent))
    assert set(answered) <= set(sent)


def test_many_at_once(telnyx):
    """A hundred calls in one loop, no more requests under way than `at_once`."""
    client = make_client(telnyx, at_once=7)

    async def main():
        async with client:
            return await asyncio.gather(
                *(create(client, to=f"+1500555{number:04}") for number in range(100))
            )

    assert len({fax.sid for fax in asyncio.run(main())}) == 100


def test_loop_after_loop(telnyx):
    """Connections are an event loop's own, and the client is everybody's."""
    client = make_client(telnyx)
    for _ in range(5):
        run(create(client), client)
    assert len(telnyx.faxes) == 5


def open_files():
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files in /proc")
def test_a_loop_that_ends_closes_its_connections(telnyx):
    """A program without ``aclose`` that calls ``asyncio.run`` for each fax does not run out of files."""
    client = make_client(telnyx)
    asyncio.run(create(client))
    before = open_files()
    for _ in range(20):
        asyncio.run(create(client))
    assert open_files() <= before + 5
    assert len(_async_connections._loops) <= 2


class SlowLedger(SQLiteLedger):
    def transact(self, *arguments, **options):
        time.sleep(0.15)
        return super().transact(*arguments, **options)


def test_a_slow_ledger_does_not_block_the_loop(telnyx, tmp_path):
    """It is used in threads."""
    ledger = SlowLedger(str(tmp_path / "fax.db"))
    client = make_client(telnyx, ledger=ledger)
    pauses = []

    async def ticker():
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.005)
            now = time.monotonic()
            pauses.append(now - last)
            last = now

    async def main():
        async with client:
            await client.fax.faxes.list_async(limit=1)  # imports and the first connection
            ticking = asyncio.ensure_future(ticker())
            await create(client)
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)

    asyncio.run(main())
    ledger.close()
    assert len(pauses) > 20  # the call took several times 0.15 s, and the ticker ran meanwhile


def test_two_providers(telnyx):
    """The roll-out, the legacy client in threads, lists of both, and the same SIDs."""
    with FakeTwilio() as twilio:
        for stage, provider in (("off", "legacy"), ("on", "telnyx")):
            client = Client(
                twilio.account_sid,
                twilio.auth_token,
                environment=dict(telnyx.environ),
                telnyx=TelnyxSettings(retry=FAST),
                ledger=MemoryLedger(),
                legacy=Wrapper(twilio),
                rollout=stage,
            )

            async def main(client=client, provider=provider):
                async with client:
                    fax = await create(client)
                    assert provider_of(fax) == provider
                    assert (await client.fax.faxes(fax.sid).fetch_async()).sid == fax.sid
                    return {one.sid for one in await client.fax.faxes.list_async()}

            sids = asyncio.run(main())
        assert len(sids) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_after_a_fork(telnyx):
    """The child makes connections of its own."""
    client = make_client(telnyx)
    run(create(client))
    child = os.fork()
    if child == 0:
        status = 1
        try:
            run(create(client, to=BUSY), client)
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    run(create(client), client)
    assert len(telnyx.faxes) == 3


def test_the_account_is_the_clients(telnyx):
    assert run(create(make_client(telnyx))).account_sid == ACCOUNT
