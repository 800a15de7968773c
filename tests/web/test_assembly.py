"""The page, its style and its texts, put together from their files."""

import re

import pytest

from server.web.assembly import insert_parts, join_styles, join_words
from server.web.pages import static_folder


def own_files() -> dict[str, str]:
    folder = static_folder()
    kinds = {".js", ".css", ".html"}
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.suffix in kinds and "games" not in path.parts
    }


# HTML


def test_a_line_that_names_a_part_becomes_the_part_and_so_do_those_of_the_part() -> None:
    files = {"page/a.html": "<b>\n  <!-- part page/c.html -->\n</b>\n", "page/c.html": "<i></i>\n"}
    page = "<main>\n  <!-- part page/a.html -->\n</main>\n"
    assert insert_parts(page, files) == "<main>\n<b>\n<i></i>\n</b>\n</main>\n"


def test_a_part_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match=re.escape("page/a.html")):
        insert_parts("<!-- part page/a.html -->\n", {})


def test_every_part_is_in_the_page_once() -> None:
    files = own_files()
    parts = {name: text for name, text in files.items() if name.startswith("page/html/")}
    assert len(parts) > 5
    page = insert_parts(files["index.html"], files)
    assert "<!-- part" not in page
    assert [name for name, text in parts.items() if page.count(text.splitlines()[0]) != 1] == []
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert sorted(each for each in set(ids) if ids.count(each) > 1) == []


# Styles

STYLED = "<!-- styles a.css page/b.css -->\n"


def test_styles_are_joined_in_the_order_in_which_the_page_names_them() -> None:
    files = {"page/b.css": "b { color: red; }\n", "a.css": "a { background: url('/x.svg'); }\n"}
    page, path, text = join_styles(STYLED, files)
    assert page == f'<link rel="stylesheet" href="/static/{path}">\n'
    assert text == (
        "/* /static/a.css */\na { background: url('/x.svg'); }\n"
        "/* /static/page/b.css */\nb { color: red; }\n"
    )


def test_the_address_of_the_styles_changes_with_their_content_alone() -> None:
    files = {"a.css": "a {}", "page/b.css": "b {}"}
    paths = {
        join_styles(STYLED, each)[1]
        for each in (files, files | {"c.css": "c {}"}, files | {"a.css": "a { }"})
    }
    assert len(paths) == 2
    assert all(re.fullmatch(r"joined-[0-9a-f]{16}\.css", path) for path in paths)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("@import 'other.css';", "@import"),
        ("a { background: url(x.svg); }", "url("),
        ("a { background: url( 'x.svg'); }", "url("),
        (None, "a.css"),
    ],
)
def test_a_style_that_needs_its_own_address_is_refused(text: str | None, named: str) -> None:
    files = {"page/b.css": "b {}"} | ({} if text is None else {"a.css": text})
    with pytest.raises(ValueError, match=re.escape(named)):
        join_styles(STYLED, files)


@pytest.mark.parametrize("page", ["<head></head>", STYLED + STYLED])
def test_the_page_has_one_place_for_its_styles(page: str) -> None:
    with pytest.raises(ValueError, match="not one"):
        join_styles(page, {"a.css": "", "page/b.css": ""})


def test_every_style_of_the_page_is_joined() -> None:
    files = own_files()
    _, _, text = join_styles(files["index.html"], files)
    assert set(re.findall(r"^/\* /static/(\S+) \*/$", text, re.MULTILINE)) == {
        name for name in files if name.endswith(".css")
    }


# Texts


def test_the_texts_of_a_language_are_one_module() -> None:
    files = {
        "languages/en/room.js": "// Rooms.\n\nexport default {\n  'room.b': 'B',\n};\n",
        "languages/en/lobby.js": "export default {\n  'lobby.a': 'A',\n};\n",
        "languages/es/lobby.js": "export default {\n  'lobby.a': 'Á',\n};\n",
        "page/lobby.js": "export default {\n};\n",
    }
    assert join_words(files) == {
        "languages/en.js": (
            "const lobby = {\n  'lobby.a': 'A',\n};\n"
            "// Rooms.\n\nconst room = {\n  'room.b': 'B',\n};\n"
            "\nexport default { ...lobby, ...room };\n"
        ),
        "languages/es.js": (
            "const lobby = {\n  'lobby.a': 'Á',\n};\n\nexport default { ...lobby };\n"
        ),
    }


@pytest.mark.parametrize("text", ["export const words = {};\n", 2 * "export default {\n};\n"])
def test_texts_that_are_exported_otherwise_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape("languages/en/room.js")):
        join_words({"languages/en/room.js": text})
