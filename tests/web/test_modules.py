"""The modules of the page in one file."""

import json
import re
from pathlib import PurePosixPath
from typing import Any

import pytest

from server.web.modules import join
from server.web.pages import static_folder

SMALL = {
    "app.js": "import { add } from '/static/page/sums.js';\nadd(1);\n",
    "page/sums.js": (
        "// Sums.\n"
        "import { ONE } from './one.js';\n"
        "\n"
        "export const add = (number) => number + ONE;\n"
    ),
    "page/one.js": "export const ONE = 1;\nconst hidden = 2;\n\nexport { ONE };\n",
    "page/other.js": "export const other = 1;\n",
}


def own_sources() -> dict[str, str]:
    folder = static_folder()
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.js")}


def test_each_module_follows_its_imports_and_loses_only_their_lines() -> None:
    joined = join(SMALL, "app.js")
    assert joined.members == ("page/one.js", "page/sums.js")
    assert joined.names == {"ONE", "hidden", "add"}
    assert joined.text == (
        "// /static/page/one.js\n"
        "export const ONE = 1;\n"
        "const hidden = 2;\n"
        "\n"
        "\n"
        "// /static/page/sums.js\n"
        "// Sums.\n"
        "\n"
        "\n"
        "export const add = (number) => number + ONE;\n"
        f"//# sourceMappingURL=/static/{joined.path}.map\n"
    )


def test_modules_that_import_each_other_are_joined_as_a_browser_would_run_them() -> None:
    sources = {
        "app.js": "import { a } from './a.js';",
        "a.js": "import { b } from './b.js';\nexport const a = () => b;",
        "b.js": "import { a } from './a.js';\nexport const b = () => a;",
    }
    assert join(sources, "app.js").members == ("b.js", "a.js")


def test_the_address_changes_with_the_content_alone() -> None:
    path = join(SMALL, "app.js").path
    changed = SMALL | {"page/one.js": "export const ONE = 2;\n"}
    unused = SMALL | {"page/other.js": "export const other = 2;\n"}
    assert join(unused, "app.js").path == path
    assert join(changed, "app.js").path != path


def test_the_import_map_leads_from_each_module_to_the_file() -> None:
    joined = join(SMALL, "app.js")
    file = f"/static/{joined.path}"
    assert json.loads(joined.import_map) == {
        "imports": {"/static/page/one.js": file, "/static/page/sums.js": file}
    }


def test_a_debugger_finds_every_line_in_its_module() -> None:
    sources = own_sources()
    joined = join(sources, "app.js")
    sections: list[dict[str, Any]] = json.loads(joined.source_map)["sections"]
    lines = joined.text.splitlines()
    assert len(sections) == len(joined.members) > 40
    for section in sections:
        (name,) = section["map"]["sources"]
        original = sources[str(PurePosixPath(name).relative_to("/static"))].splitlines()
        first = section["offset"]["line"]
        # Base64 VLQ: column, source, lines ahead, column there.
        assert section["map"]["mappings"].split(";") == ["AAAA"] + ["AACA"] * (len(original) - 1)
        for here, there in zip(lines[first:], original, strict=False):
            assert here == there or (here == "" and there.startswith(("import", "export {")))


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("import * as all from './one.js';", "page/sums.js:1 is no import"),
        ("import './one.js';", "page/sums.js:1 is no import"),
        ("import {\n  ONE,\n} from './one.js';", "page/sums.js:1 is no import"),
        ("import { ONE as one } from './one.js';", "page/sums.js:1 cannot be joined"),
        ("const one = 1;\nexport { one as two };", "page/sums.js:2 cannot be joined"),
        ("export default 1;", "page/sums.js:1 cannot be joined"),
        ("export * from './one.js';", "page/sums.js:1 cannot be joined"),
        ("export { ONE } from './one.js';", "page/sums.js:1 cannot be joined"),
        ("const { one } = { one: 1 };", "page/sums.js:1 cannot be joined"),
        ("export const { one } = { one: 1 };", "page/sums.js:1 cannot be joined"),
        ("export let [one] = [1];", "page/sums.js:1 cannot be joined"),
        ("export var one = 1;", "page/sums.js:1 cannot be joined"),
        ("const\n  one = 1;", "page/sums.js:1 cannot be joined"),
        ("let one = 1, two = 2;", "page/sums.js:1 cannot be joined"),
        ("\nlet one, two;", "page/sums.js:2 cannot be joined"),
        ("export const one = [1, 2],\n  two = 2;", "page/sums.js:1 cannot be joined"),
        ("const one = {\n  a: 1,\n}, two = 2;", "page/sums.js:1 cannot be joined"),
        ("const one = ',;\\'(', two = /[/(]/;", "page/sums.js:1 cannot be joined"),
        ("const one = () => {\n  1; // one\n}, two = 2;", "page/sums.js:1 cannot be joined"),
        ("const one = 1; const two = 2;", "page/sums.js:1 cannot be joined"),
        ("const one = (1;", "page/sums.js:1 cannot be joined"),
        ("const one = 1;\nfetch(import.meta.url);", "page/sums.js:2 cannot be joined"),
        (
            "import { ONE } from './one.js';\nimport { x } from './gone.js';",
            "page/sums.js:2 imports /static/page/gone.js, which is not among",
        ),
        ("import { ONE } from './one.js';\nconst hidden = 3;", "one.js both declare hidden"),
        ("import { ONE } from './one.js';\nfunction hidden() {}", "one.js both declare hidden"),
    ],
)
def test_a_module_that_would_change_its_meaning_when_joined_is_refused(
    source: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        join(SMALL | {"page/sums.js": source}, "app.js")


def test_a_missing_main_module_is_named() -> None:
    with pytest.raises(ValueError, match=re.escape("gone.js is not among the modules")):
        join(SMALL, "gone.js")


@pytest.mark.parametrize(
    "source",
    [
        "const one = [1, 2];",
        "export const one = (a, b) => ({ a, b }); // (a, b",
        "const one = 'a, b';",
        "const one = `a, ${[1, 2]}, b`;",
        "const one = /[/,(]|,/g;",
        "const one = {\n  a: 1, // don't, ever\n  /* , */ b: 2,\n};",
        "const one = (a, b) => {\n  let c = 1, d = 2;\n  return a;\n};",
    ],
)
def test_a_comma_inside_a_declaration_is_no_second_name(source: str) -> None:
    joined = join(SMALL | {"page/sums.js": source}, "app.js")
    assert joined.names == {"one"}
    assert source in joined.text


def test_a_dynamic_import_is_kept() -> None:
    needed = "export const other = await\nimport('./other.js');"
    joined = join(SMALL | {"page/sums.js": needed}, "app.js")
    assert joined.members == ("page/sums.js",)
    assert needed in joined.text
