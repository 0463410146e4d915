import pytest

from tests.ledger.backends import SHARED, Clock, place_of


@pytest.fixture(name="place", params=["memory", *SHARED])
def _place(request, tmp_path):
    with place_of(request.param, tmp_path) as place:
        yield place


@pytest.fixture(name="shared", params=SHARED)
def _shared(request, tmp_path):
    """Where several processes can meet."""
    with place_of(request.param, tmp_path) as place:
        yield place


@pytest.fixture(name="clock")
def _clock():
    return Clock()


@pytest.fixture(name="ledger")
def _ledger(place, clock):
    return place.open(clock)
