"""Telnyx's own SDK, which knows nothing of us, works against the emulator."""

import pytest

telnyx_sdk = pytest.importorskip("telnyx", reason="needs Telnyx's SDK: pip install telnyx")


@pytest.fixture(name="sdk")
def _sdk(telnyx):
    with telnyx_sdk.Telnyx(api_key=telnyx.api_key, base_url=telnyx.base_url, max_retries=0) as sdk:
        yield sdk


def send(sdk, telnyx):
    return sdk.faxes.create(
        connection_id=telnyx.connection_id,
        from_="+15005550006",
        to="+15005550009",
        media_url="https://x.example/a.pdf",
        store_media=True,
    ).data


def test_the_six_operations(sdk, telnyx):
    """Create, retrieve, list, cancel, refresh and delete, as the SDK makes and reads them."""
    fax = send(sdk, telnyx)
    assert (fax.status, fax.from_, fax.direction) == ("queued", "+15005550006", "outbound")
    assert sdk.faxes.retrieve(fax.id).data == fax
    assert sdk.faxes.actions.cancel(fax.id).data.result == "ok"
    assert sdk.faxes.retrieve(fax.id).data.status == "failed"
    assert sdk.faxes.actions.refresh(fax.id).data.result == "ok"
    sdk.faxes.delete(fax.id)
    with pytest.raises(telnyx_sdk.NotFoundError):
        sdk.faxes.retrieve(fax.id)


def test_pages_and_filters(sdk, telnyx):
    """The SDK's iteration reads all pages, and its filters are understood."""
    ids = [send(sdk, telnyx).id for _ in range(45)]
    listed = [fax.id for fax in sdk.faxes.list()]
    assert listed == ids[::-1]
    assert list(sdk.faxes.list(filter={"direction": {"eq": "inbound"}})) == []
    bound = telnyx.faxes[9]["created_at"]
    assert len(list(sdk.faxes.list(filter={"created_at": {"lte": bound}}))) == 10


def test_errors(sdk, telnyx):
    """The SDK raises its own exceptions for the emulator's errors."""
    with pytest.raises(telnyx_sdk.UnprocessableEntityError):
        sdk.faxes.create(connection_id=telnyx.connection_id, from_="x", to="y", media_url="z")
    with pytest.raises(telnyx_sdk.AuthenticationError):
        sdk.with_options(api_key="wrong").faxes.list()
