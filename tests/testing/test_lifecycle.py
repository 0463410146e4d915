"""Time takes faxes through Telnyx's statuses, and tests steer them."""

from datetime import datetime, timedelta, timezone
from time import monotonic, sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.testing.helpers import NUMBER, OTHER, connect, post
from twilio_fax_compat.testing import TelnyxEmulator

OUTBOUND = ["queued", "media.processed", "originated", "sending", "delivered"]
INBOUND = ["initiated", "receiving", "media.processing", "received"]
FINAL = {"delivered", "received", "failed"}


def statuses_over_time(telnyx, fax, seconds=120):
    seen = []
    for _ in range(seconds):
        status = telnyx.fax(fax)["status"]
        if status not in seen:
            seen.append(status)
        telnyx.advance(1)
    return seen


def test_an_outbound_fax_runs_its_lifecycle(http, telnyx):
    """Time takes a fax from queued to delivered, and ``originated`` has no event."""
    fax = post(http, telnyx)

    assert statuses_over_time(telnyx, fax) == OUTBOUND
    assert [event["payload"]["status"] for event in telnyx.events] == [
        status for status in OUTBOUND if status != "originated"
    ]


def test_an_inbound_fax_runs_its_lifecycle(telnyx):
    """Time takes an arriving fax from initiated to received, and ``initiated`` has no event."""
    fax = telnyx.receive(OTHER, NUMBER)

    assert statuses_over_time(telnyx, fax) == INBOUND
    assert [event["payload"]["status"] for event in telnyx.events] == INBOUND[1:]


def test_each_page_takes_its_time():
    """A fax of many pages is sent for longer, and its event says for how long and how many."""
    with TelnyxEmulator(pages=3) as telnyx, connect(telnyx) as http:
        post(http, telnyx)
        began = telnyx.now
        telnyx.settle()
        payload = telnyx.events[-1]["payload"]

        assert (payload["page_count"], payload["call_duration_secs"]) == (3, 90)
        assert round((telnyx.now - began).total_seconds()) == 2 + 1 + 6 + 90


def test_one_long_advance_is_many_short_ones(http, telnyx):
    """Events of a skipped span happen in it, each at its own time."""
    post(http, telnyx)
    began = telnyx.now
    telnyx.advance(1000)
    moments = [
        datetime.strptime(event["occurred_at"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(
            tzinfo=timezone.utc
        )
        for event in telnyx.events
    ]

    assert [round((moment - began).total_seconds()) for moment in moments] == [0, 2, 9, 39]
    assert telnyx.faxes[0]["updated_at"] == telnyx.events[-1]["occurred_at"]


@pytest.mark.parametrize(
    ("reason", "last"),
    [
        ("file_download_failed", "queued"),
        ("user_busy", "originated"),
        ("receiver_no_answer", "originated"),
        ("receiver_call_dropped", "sending"),
        ("a_reason_of_next_year", "originated"),
    ],
)
def test_failures_come_where_they_belong(http, telnyx, reason, last):
    """A document fails before the call, a line when it is called, a page while it is sent."""
    telnyx.outcome(OTHER, reason, undocumented=reason.startswith("a_reason"))
    fax = post(http, telnyx)
    seen = []
    while telnyx.fax(fax)["status"] != "failed":
        seen.append(telnyx.fax(fax)["status"])
        telnyx.step(fax)

    assert seen == OUTBOUND[: OUTBOUND.index(last) + 1]
    assert telnyx.fax(fax)["failure_reason"] == reason
    assert telnyx.events[-1]["payload"]["failure_reason"] == reason


def test_an_arriving_fax_can_fail(telnyx):
    """An inbound fax fails while it is received, for the reason of its arrival or its number."""
    telnyx.outcome(NUMBER, "carrier_lost")
    by_number = telnyx.receive(OTHER, NUMBER)
    by_call = telnyx.receive(OTHER, "+15005550007", outcome="sender_call_dropped")
    telnyx.settle()

    assert telnyx.fax(by_number)["failure_reason"] == "carrier_lost"
    assert telnyx.fax(by_call)["failure_reason"] == "sender_call_dropped"
    assert {event["event_type"] for event in telnyx.events} == {
        "fax.receiving.started",
        "fax.failed",
    }
    assert "media_url" not in telnyx.fax(by_call)


def test_the_reason_is_told_only_by_the_failed():
    """A fax's ``failure_reason`` is null unless it failed, and older answers had none at all."""
    with TelnyxEmulator(resource_failure_reason=False) as old, connect(old) as http:
        failed = post(http, old)
        old.fail(failed, "user_busy")
        assert "failure_reason" not in http.get(f"/faxes/{failed}").json()["data"]
        assert old.events[-1]["payload"]["failure_reason"] == "user_busy"
    with TelnyxEmulator() as new, connect(new) as http:
        fax = post(http, new)
        assert http.get(f"/faxes/{fax}").json()["data"]["failure_reason"] is None


def test_tests_deliver_and_fail_faxes(http, telnyx):
    """``deliver`` and ``fail`` end a fax now, and what is over stays as it is."""
    one, other = post(http, telnyx), post(http, telnyx)
    telnyx.deliver(one)
    telnyx.fail(other, "user_busy")
    telnyx.fail(one, "carrier_lost")
    telnyx.deliver(other)
    telnyx.step(one)
    telnyx.settle()

    assert [fax["status"] for fax in telnyx.faxes] == ["delivered", "failed"]
    assert telnyx.fax(one)["failure_reason"] is None
    arrived = telnyx.receive(OTHER, NUMBER)
    telnyx.deliver(arrived)
    assert telnyx.fax(arrived)["status"] == "received"


def test_held_faxes_stay_queued(http, telnyx):
    """Time moves no held fax, whether it was sent before or after ``hold``; ``release`` does."""
    before = post(http, telnyx)
    telnyx.hold()
    after = post(http, telnyx)
    telnyx.settle()
    telnyx.advance(1000)
    assert {fax["status"] for fax in telnyx.faxes} == {"queued"}
    telnyx.step(before)
    telnyx.settle()
    assert [fax["status"] for fax in telnyx.faxes] == ["delivered", "queued"]
    telnyx.release()
    telnyx.settle()

    assert telnyx.fax(after)["status"] == "delivered"


@pytest.mark.parametrize("method", ["fax", "deliver", "step", "document"])
def test_unknown_faxes_are_key_errors(telnyx, method):
    """Steering a fax that is not there raises KeyError with its id."""
    with pytest.raises(KeyError, match="nobody"):
        getattr(telnyx, method)("nobody")
    with pytest.raises(KeyError, match="nobody"):
        telnyx.fail("nobody", "user_busy")


@pytest.mark.parametrize("steps", range(4))
def test_a_fax_under_way_can_be_cancelled(http, telnyx, steps):
    """In each status before the last a cancellation ends a fax as ``sender_canceled``."""
    fax = post(http, telnyx)
    for _ in range(steps):
        telnyx.step(fax)
    answer = http.post(f"/faxes/{fax}/actions/cancel")

    assert (answer.status_code, answer.json()) == (202, {"data": {"result": "ok"}})
    assert telnyx.fax(fax)["status"] == "failed"
    assert telnyx.fax(fax)["failure_reason"] == "sender_canceled"
    assert telnyx.events[-1]["payload"]["failure_reason"] == "sender_canceled"


def test_a_cancellation_takes_hold_later():
    """The 202 is only an acceptance: the fax fails after the delay, which repeating keeps."""
    with TelnyxEmulator(cancel_delay=3) as telnyx, connect(telnyx) as http:
        telnyx.hold()
        fax = post(http, telnyx)
        for _ in range(3):
            assert http.post(f"/faxes/{fax}/actions/cancel").status_code == 202
            assert telnyx.fax(fax)["status"] == "queued"
            telnyx.advance(1)
        assert telnyx.fax(fax)["status"] == "failed"


def test_a_cancellation_can_come_too_late():
    """A fax whose cancellation was accepted may be delivered all the same."""
    with TelnyxEmulator(cancel_delay=3) as telnyx, connect(telnyx) as http:
        fax = post(http, telnyx)
        http.post(f"/faxes/{fax}/actions/cancel")
        telnyx.deliver(fax)
        telnyx.advance(10)

        assert telnyx.fax(fax)["status"] == "delivered"


def test_a_deleted_fax_does_nothing_more(http, telnyx):
    """Deleting a fax ends its lifecycle: no event follows."""
    fax = post(http, telnyx)
    http.delete(f"/faxes/{fax}")
    telnyx.settle()

    assert [event["event_type"] for event in telnyx.events] == ["fax.queued"]


def test_settling_moves_time_no_further_than_needed(http, telnyx):
    """What is planned for faxes that are over already does not move the time."""
    fax = post(http, telnyx)
    telnyx.deliver(fax)
    began = telnyx.now
    telnyx.settle()

    assert telnyx.now == began


def test_time_can_run_by_itself():
    """With a speed, real time carries faxes along."""
    with TelnyxEmulator(speed=1000) as telnyx, connect(telnyx) as http:
        fax = post(http, telnyx)
        give_up = monotonic() + 5
        while telnyx.fax(fax)["status"] != "delivered" and monotonic() < give_up:
            sleep(0.005)

        assert telnyx.fax(fax)["status"] == "delivered"


def test_time_that_runs_makes_events_unasked():
    """With a speed, webhooks' events happen though nobody looks."""
    with TelnyxEmulator(speed=1000) as telnyx, connect(telnyx) as http:
        post(http, telnyx)
        give_up = monotonic() + 5
        while len(telnyx.events) < 4 and monotonic() < give_up:
            sleep(0.005)

        assert telnyx.events[-1]["event_type"] == "fax.delivered"


def test_time_stands_still_at_speed_0(http, telnyx):
    """Without a speed only ``advance`` moves the time, forwards, and stamps still differ."""
    began = telnyx.now
    stamps = [telnyx.fax(post(http, telnyx))["created_at"] for _ in range(5)]

    assert telnyx.now == began
    assert sorted(set(stamps)) == stamps
    with pytest.raises(ValueError, match="back"):
        telnyx.advance(-1)


def test_moments_differ_though_time_stands_still(http, telnyx):
    """The events of a fax that is taken on by hand have moments in their order."""
    fax = post(http, telnyx)
    for _ in range(4):
        telnyx.step(fax)
    moments = [event["occurred_at"] for event in telnyx.events]

    assert len(set(moments)) == 4
    assert sorted(moments) == moments


def test_a_given_time_is_kept():
    """Virtual time begins where it is told, in any zone, and every answer's Date is of it."""
    start = datetime(2020, 5, 5, 11, 59, 12, tzinfo=timezone(timedelta(hours=2)))
    with TelnyxEmulator(now=start) as telnyx, connect(telnyx) as http:
        fax = post(http, telnyx)
        telnyx.advance(48)
        answer = http.get(f"/faxes/{fax}")

        assert answer.json()["data"]["created_at"].startswith("2020-05-05T09:59:12.0000")
        assert answer.headers["date"] == "Tue, 05 May 2020 10:00:00 GMT"
        assert http.get("/nothing").headers["date"] == "Tue, 05 May 2020 10:00:00 GMT"
        assert telnyx.now == start + timedelta(seconds=48)
        assert telnyx.now.tzinfo is timezone.utc
    with pytest.raises(ValueError, match="aware"):
        TelnyxEmulator(now=datetime(2020, 5, 5))


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ["receive", "advance", "step", "deliver", "fail", "hold", "release", "settle"]
        ),
        st.integers(0, 4),
    ),
    max_size=25,
)


@given(ACTIONS)
def test_statuses_only_go_forward(actions):
    """Whatever is done in whatever order, a fax goes its way, and once, to one end."""
    telnyx = TelnyxEmulator()
    ids = [telnyx.receive(OTHER, NUMBER)]
    for action, number in actions:
        fax = ids[number % len(ids)]
        before = {one["id"]: one["status"] for one in telnyx.faxes}
        if action == "receive":
            ids.append(telnyx.receive(OTHER, NUMBER, pages=number + 1))
        elif action == "advance":
            telnyx.advance(number * 7)
        elif action == "fail":
            telnyx.fail(fax, "carrier_lost")
        elif action in ("step", "deliver"):
            getattr(telnyx, action)(fax)
        else:
            getattr(telnyx, action)()
        for one in telnyx.faxes:
            was, now = before.get(one["id"], "initiated"), one["status"]
            if was in FINAL:
                assert now == was
            elif now != "failed":
                assert INBOUND.index(now) >= INBOUND.index(was)
    telnyx.release()
    telnyx.settle()

    assert {one["status"] for one in telnyx.faxes} <= FINAL
    for fax in ids:
        told = [e["payload"]["status"] for e in telnyx.events if e["payload"]["fax_id"] == fax]
        passed = [status for status in told if status != "failed"]
        assert told[-1] == telnyx.fax(fax)["status"]
        assert passed == INBOUND[1 : len(passed) + 1]
        assert sum(status in FINAL for status in told) == 1
