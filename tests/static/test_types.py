"""`stillhere.d.ts` matches `stillhere.js`, and a page that uses it compiles."""

import functools
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from server.presence.status import ENDINGS, LEAVING, Reason
from server.wire.closing import Close, ends_session
from tests.static.rig import STATIC, Rig
from tests.support.axe import NODE_MODULES

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

HERE = Path(__file__).resolve().parent
TYPESCRIPT = NODE_MODULES / "typescript"

_MEMBERS = """
async ([path, names]) => {
  const module = await import(path);
  const found = {};
  for (const name of names) {
    const instance = name === 'Problem' ? new module[name](401, {}) : new module[name]();
    const own = Object.keys(Object.getOwnPropertyDescriptors(instance));
    const inherited = Object.entries(Object.getOwnPropertyDescriptors(module[name].prototype));
    found[name] = Object.fromEntries([
      ...own.map((member) => [member, 'property']),
      ...inherited.map(([member, { value }]) => [member, value ? 'method' : 'property']),
    ]);
    instance.close?.();
  }
  return found;
}
"""


@functools.cache
def declared() -> dict[str, Any]:
    """The declarations of the file: values, types, and the members of each class and interface; and
    the compiler's errors for it and the page."""
    program = shutil.which("node")
    assert program is not None, "Node.js is not there: scripts/test gets it, or leaves this out"
    assert TYPESCRIPT.exists(), "typescript is not there: scripts/test gets it, or leaves this out"
    files = [HERE / "declared.cjs", TYPESCRIPT, HERE / "tsconfig.json", STATIC / "stillhere.d.ts"]
    command = [program, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


async def test_a_page_that_uses_every_type_compiles_and_its_errors_do_not() -> None:
    assert declared()["complaints"] == []


async def test_the_page_uses_every_declared_name() -> None:
    usage = (HERE / "usage.ts").read_text()
    used = set(re.findall(r"\w+", usage))
    members = {name for each in declared()["members"].values() for name in each}
    assert members | set(declared()["values"]) | set(declared()["types"]) <= used


async def test_the_module_exports_the_declared_names(rig: Rig) -> None:
    there = await rig.evaluate("async (path) => Object.keys(await import(path))", rig.MODULE)
    assert sorted(there) == sorted(declared()["values"])


@pytest.mark.parametrize("name", ["StillHere", "Problem"])
async def test_a_class_has_the_members_that_are_declared(rig: Rig, name: str) -> None:
    found = (await rig.evaluate(_MEMBERS, [rig.MODULE, [name]]))[name]
    for of_errors in ("stack", "message", "name", "constructor"):
        found.pop(of_errors, None)
    assert found == declared()["members"][name]


async def test_the_roster_has_the_members_that_are_declared(rig: Rig) -> None:
    members = await rig.evaluate(_MEMBERS, ["/static/stillhere/roster.js", ["Roster"]])
    # Its methods belong to the module; pages only read the declared properties.
    found = {name for name, kind in members["Roster"].items() if kind == "property"}
    assert found == set(declared()["members"]["Roster"])


async def test_the_declared_events_are_those_of_the_module() -> None:
    sources = [STATIC / "stillhere.js", *(STATIC / "stillhere").glob("*.js")]
    told = {event for path in sources for event in re.findall(r"tell\('(\w+)'", path.read_text())}
    assert told == set(declared()["members"]["Events"])


async def test_the_close_codes_are_the_servers(rig: Rig) -> None:
    there = await rig.evaluate("async (path) => (await import(path)).CLOSE_REASONS", rig.MODULE)
    # 1009 is the WebSocket protocol's own, and not in the table.
    closings = [each.value for each in Close if each.value.code >= 4000]
    assert {int(code): word for code, word in there.items()} == {
        each.code: each.reason for each in closings
    }


async def test_every_code_of_the_range_for_ends_is_an_end(rig: Rig) -> None:
    ends = await rig.evaluate(
        """async (path) => {
          const { isEnd } = await import(path);
          return Array.from({ length: 5001 }, (_, code) => code).filter(isEnd);
        }""",
        rig.MODULE,
    )
    assert ends == [code for code in range(5001) if ends_session(code)] == list(range(4500, 4600))


async def test_a_player_meant_to_go_for_the_servers_reasons(rig: Rig) -> None:
    wishes = await rig.evaluate(
        "async ([path, words]) => words.filter((await import(path)).isOwnWish)",
        [rig.MODULE, sorted(Reason)],
    )
    assert wishes == sorted(LEAVING & ENDINGS)
