"""Requests near a plain one, for tests that compare parsers."""

from hypothesis import strategies as st


def around(text: str) -> st.SearchStrategy[str]:
    """A small change of `text`."""
    characters = st.sampled_from(sorted({*text, *" \t,;:=%\r\n\0\x7f\xe9aA0"}))
    return st.tuples(
        st.integers(0, len(text)), st.integers(0, 2), st.text(characters, max_size=3)
    ).map(lambda by: text[: by[0]] + by[2] + text[by[0] + by[1] :])
