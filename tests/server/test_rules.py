"""What the last SDKs with fax demand of the wire, rule by rule."""

import json
import re
import shutil
import socket
import subprocess
from urllib.parse import urlsplit

import pytest

from tests.server import twilio_spec
from tests.server.serving import (
    ACCOUNT,
    FROM,
    KEY,
    OTHER,
    OTHER_TOKEN,
    SECRET,
    TO,
    TOKEN,
    basic,
    environ_of,
    serving,
)

FIELDS = [
    "sid", "account_sid", "from", "to", "quality", "media_sid", "media_url", "num_pages", "duration",
    "status", "direction", "api_version", "price", "price_unit", "date_created", "date_updated",
    "links", "url",
]  # fmt: skip
META = ["key", "page", "page_size", "first_page_url", "previous_page_url", "next_page_url", "url"]
NO_FAX = "FX" + "0" * 32


def raw(server, text):
    """Send bytes and return all that comes back until the server closes."""
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(text.replace("\n", "\r\n").encode() if isinstance(text, str) else text)
        answer = b""
        while True:
            try:
                piece = connection.recv(65536)
            except ConnectionResetError:
                return answer
            if not piece:
                return answer
            answer += piece


def is_error(status, payload):
    assert set(payload) - {"details"} == {"code", "message", "more_info", "status"}
    assert payload["status"] == status
    assert isinstance(payload["code"], int)
    assert isinstance(payload.get("details", {}), dict)
    return True


def test_all_eight_operations_answer_as_twilio_documents(server, telnyx):
    created = server.create("all")
    sid = created[2]["sid"]
    answers = [("POST", "/v1/Faxes", *created)]
    media = "ME" + sid[2:]
    for method, path, fields, route in (
        ("GET", f"/v1/Faxes/{sid}", None, "/v1/Faxes/{Sid}"),
        ("POST", f"/v1/Faxes/{sid}", {}, "/v1/Faxes/{Sid}"),
        ("GET", "/v1/Faxes", None, "/v1/Faxes"),
        ("GET", f"/v1/Faxes/{sid}/Media", None, "/v1/Faxes/{FaxSid}/Media"),
    ):
        answers.append((method, route, *server.request(method, path, fields)))
    telnyx.deliver(telnyx.faxes[0]["id"])
    route = "/v1/Faxes/{FaxSid}/Media"
    answers.append(("GET", route, *server.request("GET", f"/v1/Faxes/{sid}/Media")))
    assert answers[-1][4]["media"][0]["sid"] == media
    route += "/{Sid}"
    answers.append(("GET", route, *server.request("GET", f"/v1/Faxes/{sid}/Media/{media}")))
    answers.append(("DELETE", "/v1/Faxes/{Sid}", *server.request("DELETE", f"/v1/Faxes/{sid}")))
    assert [answer[2] for answer in answers] == [201, 200, 200, 200, 200, 200, 200, 204]
    for method, path, status, headers, payload in answers:
        assert (headers["Content-Type"] == "application/json") == (status != 204)
        if twilio_spec.is_available():
            twilio_spec.check_answer(method, path, status, payload)


def test_a_fax_has_all_fields_and_a_list_has_all_of_meta(server, telnyx):
    _, _, fax = server.create()
    assert list(fax) == FIELDS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", fax["date_created"])
    _, _, page = server.request("GET", "/v1/Faxes")
    assert sorted(page) == ["faxes", "meta"]
    assert sorted(page["meta"]) == sorted(META)
    assert page["meta"]["key"] == "faxes"
    assert page["meta"]["next_page_url"] is None


def test_a_delete_is_204_without_a_body_and_the_second_is_404(server, telnyx):
    _, _, fax = server.create()
    path = f"/v1/Faxes/{fax['sid']}"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": "0"}
    status, given, body = server.request("DELETE", path, headers=headers)
    assert (status, body, given["Content-Type"]) == (204, b"", None)
    status, _, payload = server.request("DELETE", path)
    assert (status, payload["code"]) == (404, 20404)


def test_a_fax_is_cancelled(server, telnyx):
    telnyx.hold()
    _, _, fax = server.create()
    status, _, payload = server.request("POST", f"/v1/Faxes/{fax['sid']}", {"Status": "canceled"})
    telnyx.release()
    assert status == 200
    assert payload["sid"] == fax["sid"]


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"Host": "fax.twilio.com"}, "https://fax.twilio.com"),
        ({"Host": "fax.twilio.com:443"}, "https://fax.twilio.com"),
        ({"Host": "fax.dublin.ie1.twilio.com"}, "https://fax.dublin.ie1.twilio.com"),
        ({"Host": "faxes.example.com:8080"}, "http://faxes.example.com:8080"),
        (
            {"Host": "inner", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "fax.example.com"},
            "https://fax.example.com",
        ),
        ({"Host": "fax.example.com", "X-Forwarded-Proto": "https"}, "https://fax.example.com"),
    ],
    ids=["twilio", "twilio with port", "region", "own", "proxy", "proxy keeps host"],
)
def test_links_begin_with_the_host_that_was_called(server, telnyx, headers, base):
    _, _, fax = server.create()
    server.create()
    _, _, fetched = server.request("GET", f"/v1/Faxes/{fax['sid']}", headers=headers)
    assert fetched["url"] == f"{base}/v1/Faxes/{fax['sid']}"
    assert fetched["links"]["media"] == f"{base}/v1/Faxes/{fax['sid']}/Media"
    _, _, page = server.request("GET", "/v1/Faxes?PageSize=1", headers=headers)
    for name in ("first_page_url", "next_page_url", "url"):
        assert page["meta"][name].startswith(f"{base}/v1/Faxes?")


def test_a_public_url_is_the_base_of_links(telnyx, tmp_path):
    with serving(
        tmp_path, environ_of(telnyx), "--public-url", "https://fax.example.com/"
    ) as server:
        _, _, fax = server.create()
        assert fax["url"] == f"https://fax.example.com/v1/Faxes/{fax['sid']}"
        _, _, fax = server.request(
            "GET", f"/v1/Faxes/{fax['sid']}", headers={"Host": "fax.twilio.com"}
        )
        assert fax["url"] == f"https://fax.twilio.com/v1/Faxes/{fax['sid']}"


def test_connection_close_is_echoed_and_keep_alive_is_kept(server, telnyx):
    for path, user in (("/v1/Faxes", ACCOUNT), ("/v1/Faxes", "AC"), ("/nothing", None)):
        headers = {"Connection": "close"}
        status, given, _ = server.request("GET", path, user=user, headers=headers)
        assert given["Connection"] == "close", status
        _, given, _ = server.request("GET", path, user=user)
        assert given["Connection"] is None


def test_http_1_0_and_lower_case_names_work(server, telnyx):
    head = f"get /v1/Faxes HTTP/1.0\nhost: a\nauthorization: {basic(ACCOUNT, TOKEN)}\n\n"
    answer = raw(server, head.replace("get", "GET"))
    assert answer.startswith(b"HTTP/1.1 200")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["faxes"] == []


def test_a_post_without_body_and_length_is_an_empty_form(server, telnyx):
    _, _, fax = server.create()
    head = (
        f"POST /v1/Faxes/{fax['sid']} HTTP/1.1\nHost: a\nAuthorization: {basic(ACCOUNT, TOKEN)}\n"
        "Connection: close\n\n"
    )
    assert raw(server, head).startswith(b"HTTP/1.1 200")


def test_chunked_bodies_and_expect_continue_are_taken(server, telnyx):
    form = "To=%2B15005550009&From=%2b15005550006&MediaUrl=http%3A%2F%2Fa.example%2Fb.pdf"
    head = (
        f"POST /v1/Faxes HTTP/1.1\nHost: a\nAuthorization: {basic(ACCOUNT, TOKEN)}\n"
        "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\nConnection: close\n"
    )
    chunked = head + f"Transfer-Encoding: chunked\n\n{len(form):x}\n{form}\n0\n\n"
    assert b"HTTP/1.1 201" in raw(server, chunked)
    expecting = head + f"Content-Length: {len(form)}\nExpect: 100-continue\n\n{form}"
    assert b"HTTP/1.1 201" in raw(server, expecting)


@pytest.mark.parametrize("flag", ["True", "False", "true", "FALSE"])
def test_booleans_in_any_case(server, telnyx, flag):
    assert server.create(StoreMedia=flag)[0] == 201
    assert telnyx.journal[-1].json["store_media"] is (flag.lower() == "true")


def test_unknown_parameters_pass(server, telnyx):
    assert server.create(StatusCallbackMethod="POST")[0] == 201
    assert server.request("GET", "/v1/Faxes?Limit=5&Foo=1")[0] == 200


def test_multipart_forms_are_taken(server, telnyx):
    parts = {"To": TO, "From": FROM, "MediaUrl": "https://www.example.com/ä.pdf"}
    body = "".join(
        f'--x-y\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in parts.items()
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x-y"}
    whole = (body + "--x-y--\r\n").encode()
    assert server.request("POST", "/v1/Faxes", headers=headers, body=whole)[0] == 201
    assert telnyx.faxes[0]["media_url"] == parts["MediaUrl"]
    for broken in (body.encode(), b"nothing", b"--x-y\r\n\r\n--x-y--"):
        status, _, payload = server.request("POST", "/v1/Faxes", headers=headers, body=broken)
        assert status == 400
        assert is_error(400, payload)
    assert len(telnyx.faxes) == 1


@pytest.mark.parametrize("name", ["To", "From"])
def test_a_raw_plus_is_a_plus(server, telnyx, name):
    body = f"To={TO}&From={FROM}&MediaUrl=http://a.example/b.pdf"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _, fax = server.request("POST", "/v1/Faxes", headers=headers, body=body)
    assert (status, fax["to"], fax["from"]) == (201, TO, FROM)
    number = TO if name == "To" else FROM
    _, _, page = server.request("GET", f"/v1/Faxes?{name}={number}")
    assert [one["sid"] for one in page["faxes"]] == [fax["sid"]]


def test_an_empty_destination_is_21201(server, telnyx):
    status, _, payload = server.create(to="")
    assert (status, payload["code"]) == (400, 21201)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic " + "=" * 9,
        "Basic /w==",
        "Basic QUM=",
        "Bearer x",
        basic(ACCOUNT, ""),
        basic(ACCOUNT, TOKEN + "x"),
        basic(ACCOUNT, OTHER_TOKEN),
        basic("", TOKEN),
        basic("AC" + "f" * 32, TOKEN),
        basic(KEY, TOKEN),
        basic(ACCOUNT, SECRET),
        "Basic \xff",
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_wrong_credentials_are_401_before_anything_is_done(server, telnyx, authorization, method):
    headers = {} if authorization is None else {"Authorization": authorization}
    path = "/v1/Faxes" if method != "DELETE" else f"/v1/Faxes/{NO_FAX}"
    status, given, payload = server.request(
        method, path, {"To": TO} if method == "POST" else None, user=None, headers=headers
    )
    assert (status, payload["code"], payload["message"]) == (401, 20003, "Authenticate")
    assert is_error(401, payload)
    assert given["WWW-Authenticate"].startswith("Basic")
    assert telnyx.journal == []


def test_an_api_key_belongs_to_its_account(server, telnyx):
    _, _, fax = server.create()
    status, _, found = server.request("GET", f"/v1/Faxes/{fax['sid']}", user=KEY, password=SECRET)
    assert (status, found["account_sid"]) == (200, ACCOUNT)
    status, _, found = server.request(
        "GET", f"/v1/Faxes/{fax['sid']}", user=OTHER, password=OTHER_TOKEN
    )
    assert (status, found["account_sid"]) == (200, OTHER)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/Nothing", 404),
        ("GET", "/v1/Faxes/FX1", 404),
        ("GET", f"/v1/Faxes/{NO_FAX}", 404),
        ("GET", f"/v1/Faxes/{NO_FAX}/Media/ME1", 404),
        ("GET", f"/v1/Faxes/{NO_FAX}/Pages", 404),
        ("GET", "/v1/Faxes%00", 404),
        ("GET", "/v1/Faxes/..%2f..%2fetc", 404),
        ("PUT", "/v1/Faxes", 405),
        ("PATCH", f"/v1/Faxes/{NO_FAX}", 405),
        ("DELETE", "/v1/Faxes", 405),
        ("POST", f"/v1/Faxes/{NO_FAX}/Media", 405),
        ("DELETE", f"/v1/Faxes/{NO_FAX}/Media/ME{'0' * 32}", 405),
        ("POST", "/healthz", 405),
        ("OPTIONS", "/v1/Faxes", 405),
        ("GET", "/v1/Faxes?PageSize=0", 400),
        ("GET", "/v1/Faxes?PageSize=x", 400),
        ("GET", "/v1/Faxes?Page=-1", 400),
        ("GET", "/v1/Faxes?PageToken=PT%21", 400),
        ("GET", "/v1/Faxes?To=%ff", 400),
        ("GET", "/v1/Faxes?" + "&".join(["a=1"] * 300), 400),
        ("GET", "/v1/Faxes?DateCreatedAfter=yesterday", 400),
    ],
    ids=lambda value: str(value)[:60],
)
def test_every_error_is_json_with_four_fields(server, telnyx, method, path, status):
    given, headers, payload = server.request(method, path)
    assert (given, headers["Content-Type"]) == (status, "application/json")
    assert is_error(status, payload)


@pytest.mark.parametrize(
    "text",
    [
        "NONSENSE\n\n",
        "GET /v1/Faxes HTTP/1.1\nHost: a\nBad Header\n\n",
        "GET /v1/Faxes HTTP/99\nHost: a\n\n",
        "POST /v1/Faxes HTTP/1.1\nHost: a\nContent-Length: -1\n\n",
        "POST /v1/Faxes HTTP/1.1\nHost: a\nContent-Length: x\n\n",
        "GET /" + "x" * 70_000 + " HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\nHost: a\nX: " + "x" * 70_000 + "\n\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n",
    ],
    ids=["nonsense", "header", "version", "negative", "length", "url", "headers", "tls"],
)
def test_what_is_not_http_is_refused_with_json(server, telnyx, text):
    answer = raw(server, text)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1\.1 4\d\d ", head), answer
    assert is_error(json.loads(body)["status"], json.loads(body))


def test_a_long_body_is_413_and_a_json_body_415(server, telnyx):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _, payload = server.request("POST", "/v1/Faxes", headers=headers, body=b"a" * 300_000)
    assert status == 413
    assert is_error(413, payload)
    head = (
        f"POST /v1/Faxes HTTP/1.1\nHost: a\nAuthorization: {basic(ACCOUNT, TOKEN)}\n"
        "Transfer-Encoding: chunked\n\n"
    )
    chunk = "10000\n" + "a" * 0x10000 + "\n"
    assert b" 413 " in raw(server, head + chunk * 5)
    headers = {"Content-Type": "application/json"}
    status, _, payload = server.request("POST", "/v1/Faxes", headers=headers, body=b"{}")
    assert status == 415
    assert is_error(415, payload)


CURL = shutil.which("curl")


@pytest.mark.skipif(CURL is None, reason="curl is not installed")
def test_curl_as_in_twilios_guide(server, telnyx):
    command = [
        CURL, "-sS", "-X", "POST", f"{server.url}/v1/Faxes",
        "--data-urlencode", f"From={FROM}", "--data-urlencode", f"To={TO}",
        "--data-urlencode", "MediaUrl=https://www.twilio.com/docs/documents/25/justthefaxmaam.pdf",
        "-u", f"{ACCOUNT}:{TOKEN}",
    ]  # fmt: skip
    fax = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert fax["status"] == "queued"
    get = [CURL, "-sS", "-G", f"{server.url}/Faxes", "-d", f"To={TO}", "-u", f"{ACCOUNT}:{TOKEN}"]
    page = json.loads(subprocess.run(get, capture_output=True, check=True).stdout)
    assert [one["sid"] for one in page["faxes"]] == [fax["sid"]]


def test_no_number_is_in_the_log(server, telnyx):
    server.create()
    server.request("GET", f"/v1/Faxes?To={TO}")
    server.create(to="+1")
    text = server.log_text()
    assert "POST /Faxes: HTTP 201" in text
    for secret in (TO[2:], FROM[2:], TOKEN, SECRET, telnyx.api_key):
        assert secret not in text
