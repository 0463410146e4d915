"""Which texts a column stores."""

from hypothesis import given
from hypothesis import strategies as st

from twilio_fax_compat.ledger._texts import from_column, to_column

ANY = st.text(
    st.characters() | st.sampled_from(["\0", "\\", "\ud800", "\udfff", "u", "0", "d", "8"])
)


@given(ANY)
def test_a_text_comes_back(text):
    """What is stored has no character that a database refuses, and is read back as it was."""
    column = to_column(text)
    column.encode()
    assert "\0" not in column
    assert from_column(column) == text


@given(ANY, ANY)
def test_different_texts_stay_different(one, other):
    """Two events never share a row."""
    assert (to_column(one) == to_column(other)) == (one == other)


def test_usual_texts_are_stored_as_they_are():
    """Rows of earlier versions are found."""
    for text in ("95479a2e-b947-470a-a88f-2da6dd07ae0f", "https://h/?a=b", "é😀", "a\\b"):
        assert from_column(text) == text
    assert to_column("https://h/?a=b&c=%00é") == "https://h/?a=b&c=%00é"
