"""Puts what the page loads together from files of their own, once, at the start: its HTML, its
style, and its texts in each language.

So a section of the page, its style and its texts can each be in a file of its own, and the page is
loaded by no more requests.
"""

import hashlib
import re
from collections.abc import Mapping

_PART = re.compile(r"^ *<!-- part (\S+) -->\n", re.MULTILINE)
_STYLES = re.compile(r"<!-- styles ([^>]+?) -->")
_NEEDS_ITS_ADDRESS = re.compile(r"@import\b|url\((?!\s*[\"']?/)")
"""In a style: what would be found elsewhere, or not at all, from another address."""

_WORDS = re.compile(r"languages/([\w-]+)/([a-z]+)\.js")
_EXPORT = re.compile(r"^export default \{$", re.MULTILINE)


def insert_parts(page: str, files: Mapping[str, str]) -> str:
    """Return `page` with each line `<!-- part PATH -->` replaced by that file, which may have such
    lines too. `files`: texts by their paths below `/static/`. Raises ValueError for a path that is
    not among them."""

    def text_of(match: re.Match[str]) -> str:
        if match[1] not in files:
            raise ValueError(f"{match[1]}, which the page is to contain, is not there")
        return insert_parts(files[match[1]], files)

    return _PART.sub(text_of, page)


def join_styles(page: str, files: Mapping[str, str]) -> tuple[str, str, str]:
    """Join the styles that the page names in `<!-- styles PATH PATH … -->`, in this order. Return
    the page, which links to them there, their path below `/static/`, which contains a digest, so
    that it can be cached, and their text. Raises ValueError for what cannot be joined."""
    placeholders = _STYLES.findall(page)
    if len(placeholders) != 1:
        raise ValueError(f"the page has {len(placeholders)} places for its styles, not one")
    names = placeholders[0].split()
    for name in names:
        if name not in files:
            raise ValueError(f"{name}, which the page names as a style, is not there")
        if found := _NEEDS_ITS_ADDRESS.search(files[name]):
            raise ValueError(f"{name} cannot be joined with other styles: {found[0]}")
    text = "".join(f"/* /static/{name} */\n{files[name]}" for name in names)
    path = f"joined-{hashlib.sha256(text.encode()).hexdigest()[:16]}.css"
    return _STYLES.sub(f'<link rel="stylesheet" href="/static/{path}">', page), path, text


def join_words(files: Mapping[str, str]) -> dict[str, str]:
    """Join the texts of each language, `languages/en/lobby.js` and those beside it, into a module
    `languages/en.js`, and return these by their paths. Raises ValueError for a file that does not
    export one object, with a line `export default {`."""
    languages: dict[str, list[str]] = {}
    joined: dict[str, str] = {}
    for name in sorted(files):
        match = _WORDS.fullmatch(name)
        if match is None:
            continue
        code, area = match.groups()
        path = f"languages/{code}.js"
        text, exports = _EXPORT.subn(f"const {area} = {{", files[name])
        if exports != 1:
            raise ValueError(f"{name} has {exports} lines `export default {{`, not one")
        joined[path] = joined.get(path, "") + text
        languages.setdefault(path, []).append(f"...{area}")
    return {
        path: f"{text}\nexport default {{ {', '.join(languages[path])} }};\n"
        for path, text in joined.items()
    }
