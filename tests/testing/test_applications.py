"""Fax Applications can be made, found, changed and deleted as Telnyx's."""

import pytest

from tests.testing.helpers import body_of, code_of, post

FIELDS = {"application_name": "Mine", "webhook_event_url": "https://x.example/hook"}


@pytest.fixture(name="mine")
def _mine(http):
    answer = http.post("/fax_applications", json=FIELDS)
    assert answer.status_code == 201
    return answer.json()["data"]


def names(http, query=""):
    answer = http.get("/fax_applications?" + query)
    assert answer.status_code == 200
    assert answer.json()["meta"]["total_results"] >= len(answer.json()["data"])
    return [one["application_name"] for one in answer.json()["data"]]


def test_an_application_has_defaults(http, mine):
    """What is not asked for is as Telnyx documents it."""
    assert {**FIELDS, "record_type": "fax_application"}.items() <= mine.items()
    assert (mine["active"], mine["anchorsite_override"], mine["tags"]) == (True, "Latency", [])
    assert (mine["webhook_event_failover_url"], mine["webhook_timeout_secs"]) == ("", None)
    assert mine["inbound"] == {"sip_subdomain_receive_settings": "from_anyone"}
    assert int(mine["id"]) > 2**53
    assert http.get(f"/fax_applications/{mine['id']}").json()["data"] == mine


def test_faxes_are_sent_through_an_application(http, telnyx, mine):
    """A fax has the URLs of the application that it is sent through."""
    fax = telnyx.fax(post(http, telnyx, connection_id=mine["id"]))

    assert fax["connection_id"] == mine["id"] != telnyx.connection_id
    assert fax["webhook_url"] == FIELDS["webhook_event_url"]


def test_an_application_can_be_changed(http, telnyx, mine):
    """What is given is changed, within its parts too, and the rest is kept."""
    telnyx.advance(5)
    changed = http.patch(
        f"/fax_applications/{mine['id']}",
        json={
            **FIELDS,
            "id": "7",
            "active": False,
            "webhook_timeout_secs": 5,
            "outbound": {"outbound_voice_profile_id": "7"},
            "inbound": {"channel_limit": 3},
        },
    ).json()["data"]

    assert changed == {
        **mine,
        "active": False,
        "webhook_timeout_secs": 5,
        "outbound": {"outbound_voice_profile_id": "7"},
        "inbound": {**mine["inbound"], "channel_limit": 3},
        "updated_at": changed["updated_at"],
    }
    assert changed["updated_at"] > mine["updated_at"]
    assert http.get(f"/fax_applications/{mine['id']}").json()["data"] == changed


def test_applications_are_found(http, telnyx, mine):
    """By part of the name, by profile, sorted, in pages, and the newest first."""
    assert names(http) == ["Mine", "emulator"]
    assert names(http, "filter[application_name][contains]=MIN") == ["Mine"]
    assert names(http, "filter[application_name][contains]=nobody") == []
    profile = http.get(f"/fax_applications/{telnyx.connection_id}").json()["data"]["outbound"]
    query = f"filter[outbound_voice_profile_id]={profile['outbound_voice_profile_id']}"
    assert names(http, query) == ["emulator"]
    assert names(http, "sort=application_name") == ["Mine", "emulator"]
    assert names(http, "sort=-application_name") == ["emulator", "Mine"]
    assert names(http, "sort=created_at") == ["emulator", "Mine"]
    assert names(http, "page[size]=1&page[number]=2") == ["emulator"]


def test_a_deleted_application_is_gone(http, telnyx, mine):
    """Deleting shows it once more; no fax goes through it, and its id is not given again."""
    assert http.delete(f"/fax_applications/{mine['id']}").json()["data"] == mine
    assert names(http) == ["emulator"]
    answer = http.post("/faxes", json=body_of(telnyx, connection_id=mine["id"]))
    assert code_of(answer) == (422, "85004")
    ids = {http.post("/fax_applications", json=FIELDS).json()["data"]["id"] for _ in range(2)}

    assert len(ids | {mine["id"], telnyx.connection_id}) == 4


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_application_that_is_not_there(http, method):
    """404 with Telnyx's code."""
    assert code_of(http.request(method, "/fax_applications/7")) == (404, "10005")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({"application_name": None}, "10004", "/application_name"),
        ({"webhook_event_url": None}, "10004", "/webhook_event_url"),
        ({"webhook_event_url": "x.example"}, "10003", "/webhook_event_url"),
        ({"webhook_event_failover_url": "x.example"}, "10003", "/webhook_event_failover_url"),
        ({"webhook_timeout_secs": 31}, "10033", "/webhook_timeout_secs"),
        ({"webhook_timeout_secs": "soon"}, "10026", "/webhook_timeout_secs"),
        ({"anchorsite_override": "The Moon"}, "10032", "/anchorsite_override"),
        ({"active": "perhaps"}, "10026", "/active"),
        ({"inbound": 1}, "10026", "/inbound"),
        ({"outbound": []}, "10026", "/outbound"),
    ],
)
def test_a_bad_application_is_refused(http, mine, method, fields, code, pointer):
    """422 with a pointer, when it is made and when it is changed, and nothing is."""
    path = "/fax_applications" + (f"/{mine['id']}" if method == "PATCH" else "")
    answer = http.request(method, path, json={**FIELDS, **fields})

    assert code_of(answer) == (422, code)
    assert answer.json()["errors"][0]["source"] == {"pointer": pointer}
    assert names(http) == ["Mine", "emulator"]
    assert http.get(f"/fax_applications/{mine['id']}").json()["data"] == mine


@pytest.mark.parametrize(("body", "code"), [(b"{", "10023"), (b"[]", "10015")])
def test_a_body_that_is_no_object(http, body, code):
    """400 for what is no JSON, or no object."""
    assert code_of(http.post("/fax_applications", content=body)) == (400, code)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("sort=size", "10032"),
        ("sort=--active", "10032"),
        ("filter[application_name][contains]=ab", "10031"),
        ("filter[application_name][eq]=Mine", "10031"),
        ("page[size]=0", "10031"),
    ],
)
def test_a_bad_query_is_refused(http, query, code):
    """400, since Telnyx's file has no 422 for this list."""
    assert code_of(http.get("/fax_applications?" + query)) == (400, code)
