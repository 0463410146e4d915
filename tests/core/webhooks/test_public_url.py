"""Which URL the world calls."""

import pytest

from twilio_fax_compat._core.webhooks.public_url import (
    ServerRequest,
    find_public_url,
    origin_of,
    percent_encoded,
    read_public_url,
    without_credentials,
)

PROXIED = {"x-forwarded-proto": "https", "x-forwarded-host": "app.example.com"}


def request(**parts):
    return ServerRequest(**{"scheme": "http", "host": "10.0.0.5:8000", "path": "/cb", **parts})


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ({}, "http://10.0.0.5:8000/cb"),
        (PROXIED, "https://app.example.com/cb"),
        ({"x-forwarded-proto": "https"}, "https://10.0.0.5:8000/cb"),
        ({**PROXIED, "x-forwarded-port": "443"}, "https://app.example.com/cb"),
        ({**PROXIED, "x-forwarded-port": "8443"}, "https://app.example.com:8443/cb"),
        ({**PROXIED, "x-forwarded-prefix": "/prod"}, "https://app.example.com/prod/cb"),
        ({**PROXIED, "x-forwarded-prefix": "/prod/"}, "https://app.example.com/prod/cb"),
        (
            {"x-forwarded-proto": "https, http", "x-forwarded-host": "a.example, b.example"},
            "https://a.example/cb",
        ),
        (
            {"forwarded": 'for=1.2.3.4;proto=https;host="a.example:444", for=x'},
            "https://a.example:444/cb",
        ),
        ({"forwarded": "for=1.2.3.4", **PROXIED}, "https://app.example.com/cb"),
        ({"x-forwarded-proto": "gopher", "x-forwarded-host": "a b"}, "http://10.0.0.5:8000/cb"),
        ({"x-forwarded-host": "a.example/x?y"}, "http://10.0.0.5:8000/cb"),
        ({"x-forwarded-prefix": "https://evil.example"}, "http://10.0.0.5:8000/cb"),
    ],
)
def test_forwarded_headers(headers, url):
    """What the first proxy says, if it can be right."""
    assert find_public_url(request(headers=headers)).url == url


def test_only_trusted_headers_are_read():
    """An application says which headers its proxy sets."""
    headers = {**PROXIED, "forwarded": "host=evil.example"}
    found = find_public_url(request(headers=headers), trusted=["x-forwarded-proto"])
    assert found.url == "https://10.0.0.5:8000/cb"
    assert find_public_url(request(headers=headers), trusted=()).url == "http://10.0.0.5:8000/cb"


def test_the_order():
    """The setting comes before the event, the event before the headers, they before the request."""
    told, setting = "https://hooks.example/a/cb", "https://app.example.com/base"
    proxied = request(headers=PROXIED, query="x=1")
    assert find_public_url(proxied, told, setting).url == "https://app.example.com/base/cb?x=1"
    assert find_public_url(proxied, told).url == told
    assert find_public_url(proxied).url == "https://app.example.com/cb?x=1"
    assert find_public_url(request(query="x=1")).url == "http://10.0.0.5:8000/cb?x=1"


@pytest.mark.parametrize(
    "told",
    ["ftp://a.example/cb", "/cb", "https://", "https://[x/cb", "https://a/\ud800", "https://ü..ü/"],
)
def test_what_telnyx_cannot_have_called_is_left_out(told):
    assert find_public_url(request(), told).url == "http://10.0.0.5:8000/cb"


@pytest.mark.parametrize(
    "told", ["https://app.example.com/base/cb?a=%2B", "https://app.example.com:443/base/cb?a=%2B"]
)
def test_the_exact_text_is_kept_if_the_setting_agrees(told):
    """A query is signed as Telnyx has called it."""
    assert find_public_url(request(query="a=+"), told, "https://app.example.com/base").url == told


@pytest.mark.parametrize(
    ("root", "path", "setting", "url"),
    [
        ("", "/cb", "https://a.example", "https://a.example/cb"),
        ("/prod", "/cb", "https://a.example", "https://a.example/prod/cb"),
        ("/prod", "/cb", "https://a.example/prod", "https://a.example/prod/cb"),
        ("", "/prod/cb", "https://a.example/prod", "https://a.example/prod/cb"),
        ("", "/production/cb", "https://a.example/prod", "https://a.example/prod/production/cb"),
    ],
)
def test_a_setting_is_the_url_of_the_root(root, path, setting, url):
    """A path in the setting is the whole prefix, whether the server sees it or not."""
    assert find_public_url(request(root=root, path=path), None, setting).url == url


@pytest.mark.parametrize(
    ("root", "path", "told", "prefix", "inside"),
    [
        ("", "/cb", "https://a.example/cb", "", {"/done": "/done", "/cb": "/cb"}),
        ("/prod", "/cb", "https://a.example/prod/cb", "/prod", {"/prod/done": "/done"}),
        ("", "/cb", "https://a.example/prod/cb", "/prod", {"/prod/done": "/done", "/x": "/x"}),
        ("", "/cb", "https://a.example/prod/cb", "/prod", {"/production/x": "/production/x"}),
        ("/in", "/cb", "https://a.example/out/in/cb", "/out/in", {"/out/in/done": "/done"}),
        ("", "/", "https://a.example/prod/", "/prod", {"/prod/done": "/done", "/prod/": "/"}),
        ("/prod", "", "https://a.example/prod", "/prod", {"/prod": "", "/prod/x": "/x"}),
        # Only the called URL itself can be mapped if the proxy rewrites paths.
        ("/r", "/internal", "https://a.example/hook", "/r", {"/hook": "/internal", "/x": "/x"}),
    ],
)
def test_paths(root, path, told, prefix, inside):
    """The prefix of the application, and the server's paths for the world's."""
    public = find_public_url(request(root=root, path=path), told)
    assert public.prefix == prefix
    for target, expected in inside.items():
        assert public.path_of("https://a.example" + target + "?q") == expected


def test_the_setting_says_the_prefix_that_the_server_also_sees():
    """A gateway that leaves its stage in the path: links lie below it, and paths are not changed."""
    told, setting = "https://a.example/prod/cb", "https://a.example/prod"
    public = find_public_url(request(path="/prod/cb"), told, setting)
    assert (public.prefix, public.path_of("https://a.example/prod/done")) == ("/prod", "/prod/done")


@pytest.mark.parametrize(
    ("root", "told", "expected"),
    [
        ("", "https://a.example/prod/cb", ""),
        ("/prod", "https://a.example/prod/cb", "/prod"),
        ("/in", "https://a.example/out/in/cb", "/out/in"),
        ("/in", "https://a.example/rewritten", ""),
    ],
)
def test_the_root_is_known_if_the_server_mounts_the_application(root, told, expected):
    assert find_public_url(request(root=root), told).root == expected


def test_credentials_and_fragments_are_left_out():
    """They are not part of what Twilio signs."""
    told = "https://user:p%40ss@a.example/cb?x=@y#part"
    assert find_public_url(request(), told).url == "https://a.example/cb?x=@y"
    assert without_credentials("https://a.example/@x?y=@") == "https://a.example/@x?y=@"


@pytest.mark.parametrize(
    ("delivered_to", "query", "url"),
    [
        ("https://h/a b?n=Ж&x=[%2f]", "", "https://h/a%20b?n=%D0%96&x=[%2f]"),
        ("https://bücher.example/ü", "", "https://xn--bcher-kva.example/%C3%BC"),
        (None, "n=\xd0\x96 |", "http://10.0.0.5:8000/cb?n=%D0%96%20%7C"),
    ],
)
def test_a_url_is_percent_encoded_before_it_is_signed(delivered_to, query, url):
    """A URL that is right already is kept as it is."""
    assert find_public_url(request(query=query), delivered_to).url == url
    assert percent_encoded(url) == url


def test_a_host_that_cannot_be_one_is_left_out():
    for host in ("[x", "a b", "h\xe4"):
        assert find_public_url(request(host=host)).url == "http://localhost/cb"


def test_origins():
    assert origin_of("HTTPS://u:p@A.example:443/x") == ("https", "a.example")
    assert origin_of("http://a.example:443") == ("http", "a.example:443")


@pytest.mark.parametrize(
    "text",
    [
        "app.example.com",
        "ftp://app.example.com",
        "https://",
        "https://u:p@app.example.com",
        "https://app.example.com/?x=1",
        "https://app.example.com/#x",
        "https://app.example.com:99999",
        "https://[::1",
        "https://app.example.com/ü",
    ],
)
def test_a_setting_that_cannot_be_right(text):
    assert read_public_url(text) is None


def test_a_setting_ends_without_a_slash():
    assert read_public_url("https://app.example.com/prod/") == "https://app.example.com/prod"
