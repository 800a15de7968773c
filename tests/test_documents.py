"""Every number in the documents is the code's, or known to come from elsewhere."""

import base64
import ipaddress
import tempfile
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scripts.departures.ways import AT_ONCE, IN_SILENCE, WAYS
from server.accounts import common_passwords
from server.accounts.keys import load_keys, make_keys
from server.accounts.tokens import SessionTokens
from server.budget.budget import BURSTS
from server.client.limits import Limits as ClientLimits
from server.limits import Limits
from server.ratings.rating import NEW
from server.settings import SHORTEST_WARNING, Settings
from server.storage.sqlite.database import SAFE_WAL
from server.web.problems import PROBLEMS
from server.wire import closing, messages
from server.wire.credentials import place_of
from server.wire.problem import HSTS
from tests.storage.sqlite.test_prices import RATED_SEAT
from tests.support.documents import END, LIMIT, NAMES, NUMBER, Document, rows_of, settings_of


def status(word: str) -> int:
    return PROBLEMS[word][0]


def spoken(seconds: float) -> str:
    known = {0.5: "half a second", 1: "a second", 60: "a minute", 86_400: "a day"}
    return known.get(seconds, f"{seconds:g} s")


# SECURITY.md


def days(seconds: float) -> str:
    return f"{seconds / 86_400:.10g} days"


def bits_of_a_session() -> int:
    secret = SessionTokens(["a key " * 8]).mint().cookie.partition(".")[0]
    return 8 * len(base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4)))


def made_keys() -> tuple[int, int]:
    """The number of bytes of a key that the server creates, and the mode of its file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "keys")
        make_keys(path)
        (key,) = load_keys(path, Limits().accounts)
        size = len(base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)))
        return size, path.stat().st_mode & 0o777


def widths_of_networks() -> list[int]:
    scope = {"client": ("2001:db8::1", 1), "scheme": "http", "headers": []}
    return [ipaddress.ip_network(each).prefixlen for each in place_of(scope).networks]


KEY_BYTES, KEY_MODE = made_keys()
BITS = bits_of_a_session()


def of_security(limits: Limits, settings: Settings) -> Iterator[str]:
    policy = settings.policy
    silence = limits.transport.ping_interval + limits.transport.ping_timeout
    yield f"{BITS} random bits"
    yield f"Idle for {policy.idle_timeout:g} s:"
    yield f"{policy.session_lifetime / 3600:.10g} h in all"
    yield f"lives {days(policy.remember_lifetime)},"
    yield f"A player has at most {policy.max_sessions_per_player}; one more ends the oldest"
    yield f"wait longer than {ceil(silence + 2 * limits.transport.turn)} s in silence"
    yield f"`{settings.host}` is its default"
    yield f"from {limits.storage.max_waiting_for_activity:,} rows on"
    yield f"may be tried again in {limits.accounts.retry_after_checking} s"
    in_a_row = limits.accounts.guesses_in_a_row
    yield f"no more than {in_a_row.count} in a row), until {spoken(in_a_row.seconds)} goes by"
    of_address = limits.accounts.guesses_per_address
    names = of_address.count * in_a_row.seconds / of_address.seconds / in_a_row.count
    of_many = names * limits.accounts.wider_network**2
    yield (
        f"{spoken(in_a_row.seconds)} at most after they stop: one address has wrong passwords for"
        f" {names:.0f} names, a /{widths_of_networks()[-1]} for {of_many:,.0f};"
    )
    yield f"can use up its {in_a_row.count},"
    wider = limits.accounts.wider_network
    one, some, many = widths_of_networks()
    yield f"count an IPv6 /{one} as one address; a /{some} has {wider} times as much"
    yield f"and a /{many} {wider**2} times"
    yield f"registered for {days(limits.budget.established)}; then each may hold a few"
    more = limits.rooms.wider_network
    yield f"those of a /{some} {more} times as much as an address, and of a /{many} {more**2} "
    yield from of_the_disk(limits, some, many)
    rated = limits.ratings.of_player
    yield f"counts {rated} matches a day at the most, which are {rated * RATED_SEAT:,} bytes"
    yield f"{KEY_BYTES} random bytes and kept beside the database, mode {KEY_MODE:o} ("
    yield f"{days(policy.remember_lifetime)} by default; it is refused"
    yield f"SQLite before {'.'.join(map(str, SAFE_WAL[0]))} can corrupt"
    yield f"{policy.warn_before:g} s before either, of {policy.idle_timeout:g} s of idle time"
    yield f"{SHORTEST_WARNING:g} s are the least without a warning"
    yield f"{settings.max_messages_per_second:g} a second, because games move"
    yield f"{days(float(HSTS[1].removeprefix('max-age=')))}, for this host"
    yield f"{closing.SERVICE_RESTART} to all at once"


def of_the_disk(limits: Limits, some: int, many: int) -> Iterator[str]:
    """What players of one network can have kept, who do all that is allowed."""
    budget, disk = limits.budget, limits.storage
    guests, registered = budget.address, budget.registered_of_address
    to_begin, to_go_on, to_move = BURSTS
    assert (to_begin, to_go_on - to_begin, to_move - to_go_on) == (1, 0.5, 0.5)
    yield "with half a burst more, nobody connects"
    yield "refused last, with another half"
    known = {"7 days": "a week", "30 days": "a month", "365 days": "a year"}
    ages = [f"for less than {known.get(days(age), age)}" for age in budget.ages]
    yield f"{', '.join(ages)}, and for longer"
    a_day = 86_400 * (guests.per_second + registered.per_second) / 1e9
    rates = f"{guests.per_second:,.0f} and {registered.per_second:,.0f}"
    yield f"is {rates} bytes a second: {a_day:.1f} GB a day"
    share = budget.wider_network
    by_some, by_many = [
        {2: "twice", 4: "four times"}.get(n, f"{n} times") for n in (share, share**2)
    ]
    of_many = f"{by_many}: {share**2 * a_day:.0f} GB a day"
    yield f"A /{some} can have {by_some} as much, and a /{many} {of_many}"
    if limits.web.wider_network == limits.realtime.wider_network == share:
        both = f"{share} times and {share**2} times"
        yield f"of the bytes of answers, and of what watchers are sent, they have {both}"
    else:
        yield "they have different shares of the disk, of answers and of what is watched"
    bursts = to_move * (guests.burst + (len(budget.ages) + 1) * registered.burst)
    yield f"together, {bursts / 1e6:.0f} MB more from an address"
    yield f"less than {disk.disk_reserve / 1e6:.0f} MB of it are free"
    yield f"or { ({1 / 20: 'a twentieth'}.get(disk.disk_reserve_share)) } of a small one"
    yield f"registered in the last {days(budget.established)} begin nothing; with half of that"


SECURITY = Document(
    "SECURITY.md",
    of_security,
    others=[
        # Standards, and their requirements
        "argon2id",
        "HMAC-SHA-256",
        "SHA-256 of the id",
        "RFC 8266, then Unicode look-alikes (UTS #39)",
        "under NIST's 30 for its lowest level",
        "OWASP ASVS 5.0 (numbers as there)",
        "NIST SP 800-63B, 5.2.2",
        "NIST SP 800-63B, and what",
        "(ASVS 3.5.3)",
        "made of an IPv4 one",
        "behind NAT64 (64:ff9b::/96; of 64:ff9b:1::/48, which is local,",
        "or 6to4 (2002::/16)",
        "of what RFC 9112 lets a server accept",
        "*Two minutes of warning, an hour before the absolute end* (NIST)",
        "WCAG 2.2.1's",
        "(7.4.5), *disabled accounts* (7.4.2)",
        "(7.4.3)",
        "(4.4.2)",
        "*100 messages a minute*",
        "*Refuse with 401 or 503 before the upgrade*",
        "*Revalidate sessions every half hour*",
        "*TLS only* (4.4.1)",
        "since Safari 15.4",
        "(RFC 8265): RFC 8266",
        "(RFC 8265, 4.2.2)",
        "(4.1.2)",
        "*1,000 kills a night, on three versions of Python*",
        # Counts that are no limits
        "of two that differ neither is believed",
        "a day's play",
        "a hundred leave hardly any",
        "a file that two connections write",
        "a folder of mode 700",
    ],
    limits=[
        "Limits.accounts.retry_after_checking",
        "Limits.accounts.guesses_in_a_row",
        "Limits.accounts.wider_network",
        "Limits.rooms.wider_network",
        "Limits.budget.established",
        "Limits.budget.wider_network",
        "Limits.storage.disk_reserve_share",
        "Limits.web.wider_network",
        "Limits.storage.max_waiting_for_activity",
        "Settings.idle_timeout",
        "Settings.session_lifetime",
        "Settings.remember_lifetime",
        "Settings.warn_before",
    ],
)

# docs/protocol.md


def code(close: closing.Close) -> int:
    return close.value.code


COMMON_PASSWORDS = len(common_passwords._text().split())
ENDS = [number for number in closing.MAY_BE_SENT if closing.ends_session(number)]


def of_the_protocol(limits: Limits, settings: Settings) -> Iterator[str]:
    policy = settings.policy
    yield f"for less than {days(limits.budget.established)} begin nothing"
    yield "and nobody does when half of that is left"
    yield f"closed it: {closing.NORMAL}, {closing.GOING_AWAY} or a leave beacon"
    yield f"sockets are closed {code(closing.Close.IDLE_TIMEOUT)} all the same"
    # HTTP
    yield f"A {status('not_signed_in')}'s `code` is"
    yield f"the {status('not_signed_in')} of `GET /api/session` and the {status('invalid')} of a"
    yield f"Only the {status('not_signed_in')} of `GET /api/session` has a member"
    yield f'"expires_in": {policy.idle_timeout},'
    yield f'"warns_in": {policy.idle_timeout - policy.warn_before},'
    yield f'"ends_in": {policy.session_lifetime}, "remember"'
    for name in ("away_after", "warn_before", "idle_timeout", "session_lifetime"):
        yield f'"{name}": {getattr(policy, name):g},'
    yield f'"reload_grace": {policy.reload_grace:g},'
    yield f'"reconnect_grace": {policy.reconnect_grace:g}}}'
    page, most = limits.web.page_of_players, limits.web.largest_page_of_players
    yield f"`limit` is 1 to {most}, by default {page}."
    yield f"; {status('not_signed_in')} when not signed in"
    yield f"Names have 1 to {limits.accounts.longest_name} characters"
    yield f"refused ({status('invalid')}), names that look like a taken one count as"
    yield f"({status('name_taken')}). Passwords are prepared"
    shortest, longest = limits.accounts.shortest_password, limits.accounts.longest_password
    yield f"they must have {shortest} to {longest} characters, and"
    yield f"the {COMMON_PASSWORDS:,} most common ones ({status('invalid')})"
    yield f"The `code` of these {status('invalid')}s is"
    yield f"`Retry-After: {limits.accounts.retry_after_checking}` where it is due only to passwords"
    newcomers = limits.accounts.players_per_address
    registered = limits.accounts.registered_per_address
    yield f"({newcomers.count} in {newcomers.seconds / 60:g} minutes, and"
    yield f"{registered.count} registered in {registered.seconds / 3600:g} hours"
    yield f"is not declared as JSON with {status('not_json')}"
    yield f"a body over {limits.web.largest_body / 1024:g} KiB with {status('too_large')}"
    # WebSocket
    yield f"before the upgrade ({status('cross_origin')})"
    yield f"with its reason and closed with {code(closing.Close.NOT_SIGNED_IN)},"
    yield f"a string of at most {messages._LONGEST_WORD} characters"
    yield f"an integer from 0 to 2^{messages.LARGEST_ID.bit_length()} - 1"
    yield f"the first {limits.realtime.roster_window:,} by name"
    yield f"shown as `reconnecting` after {spoken(limits.realtime.settling)}"
    yield f"a `roster` is at most {spoken(limits.realtime.roster_kept_for)} older"
    yield f"{min(ENDS)}-{max(ENDS)}: do not reconnect"
    yield f"without one ({closing.NO_STATUS}, {closing.ABNORMAL})"
    yield f"closes with {closing.NORMAL} or {closing.GOING_AWAY} has left"
    yield f"and reconnects closes with {closing.GIVEN_UP}"
    yield f"{closing.PROTOCOL_ERROR} | the peer violated RFC 6455"
    yield f"{closing.INVALID_TEXT} | text that is not UTF-8"
    yield f"{closing.TOO_BIG} | message over {limits.transport.largest_message / 1024:g} KiB"
    yield f"{closing.INTERNAL_ERROR} | no answer to a ping"
    yield f"{closing.SERVICE_RESTART} | the server restarts"
    # Promises
    yield f"at least {SHORTEST_WARNING:g} s outside tests"
    yield f"is noticed within {AT_ONCE:g} s, a silent one"
    yield f"frozen client) within {IN_SILENCE:g} s"
    yield f"only active may be {limits.storage.activity_interval:g} s old"
    yield f"of their players follow within {spoken(limits.storage.longest_deferral)}"
    yield f"a match that ticks is written once {spoken(limits.storage.room_interval)}"
    yield f"`/readyz` is {status('storage_failing')} and says why"
    yield f"waits for it for at most {spoken(limits.storage.write_timeout)},"
    written = limits.budget.written
    yield f"after {limits.storage.room_burst} such changes of a room in a row"
    yield f"is written than {written.per_second:,} bytes a second, with {written.burst:,} at once"
    yield f"When {limits.storage.max_waiting:,} entries wait"
    yield f"and {code(closing.Close.TOO_MANY_CONNECTIONS)} for a socket"
    # Offline within
    page_closed, broken, silent, signed_out, idle = (
        way.offline(policy)
        for key in ("page", "reset", "cable", "signed-out", "idle")
        for way in WAYS
        if way.key == key
    )
    yield f"closes the page is offline within {page_closed:g} s"
    yield f"whose connection breaks within {broken:g} s"
    yield f"falls silent within {silent:g} s, one who signs out within {signed_out:g} s"
    yield f"touches nothing within {idle:g} s"
    yield f"can come up to {limits.realtime.slowest_pace:g} s later"


PROTOCOL = Document(
    "docs/protocol.md",
    of_the_protocol,
    others=[
        # Standards
        "UTF-8, snake_case",
        "RFC 3339 UTC",
        "RFC 9457 problem details",
        "(RFC 8266); controls",
        "by RFC 8265 (OpaqueString)",
        "such as `U+202E`",
        "an OpenAPI 3.1 document",
        "(SHA-256, a key list",
        # Of the protocol
        "carries `Passive: 1`",
        "A refused message or request (4xx)",
        "Subprotocol `stillhere.v1`",
        "and to `release` (0)",
        "since `version - 1`; `joined`",
        "any other code, including 4400-4499 and",
        "`/healthz` is 200.",
        "*Signing in, guests included*: 201",
        "*Signing out*: 204",
        "*A history*: 200",
        # Counts and measurements that are no limits
        "Two refusals have additional members",
        "Of two in one request that differ",
        "late by at most 50 ms (p99) at 5,000 players",
    ],
    limits=[
        "Limits.accounts.retry_after_checking",
        "Limits.accounts.longest_name",
        "Limits.accounts.longest_password",
        "Limits.accounts.players_per_address",
        "Limits.accounts.registered_per_address",
        "Limits.accounts.shortest_password",
        "Limits.budget.written",
        "Limits.realtime.roster_kept_for",
        "Limits.realtime.roster_window",
        "Limits.realtime.settling",
        "Limits.realtime.slowest_pace",
        "Limits.storage.activity_interval",
        "Limits.storage.max_waiting",
        "Limits.storage.room_burst",
        "Limits.storage.room_interval",
        "Limits.storage.write_timeout",
        "Limits.transport.largest_message",
        "Limits.web.largest_body",
        "Limits.web.largest_page_of_players",
        "Limits.web.page_of_players",
        "Settings.away_after",
        "Settings.idle_timeout",
        "Settings.reconnect_grace",
        "Settings.reload_grace",
        "Settings.session_lifetime",
        "Settings.warn_before",
    ],
)

# docs/rooms.md


def of_rooms(limits: Limits, settings: Settings) -> Iterator[str]:
    rooms = limits.rooms
    yield f"newest first, at most {rooms.rooms_listed:,}"
    yield f"at most {limits.web.largest_page_of_moves:,} in an answer"
    yield f"1 to {rooms.line_length} code points"
    yield f"with the blanks at most {rooms.longest_typed * rooms.line_length:,}"
    yield f"for the limits of {spoken(rooms.searches.seconds)}."
    yield f"pulse check of the same player within {spoken(rooms.between_pulses)}"
    searches = rooms.searches
    yield f"for it, for the {searches.count + 1}st time in {spoken(searches.seconds)}"
    yield f"{rooms.rooms:,} rooms, {rooms.rooms_per_maker} made by one player"
    yield f"(1 while {rooms.rooms_crowded:,} are open)"
    yield f"one for {rooms.rooms_free_for_one} that are free held by the guests of one address"
    yield f"{rooms.rooms_watched} that a connection is in or watches"
    yield f"and {rooms.rooms_watched_by_player} that all of a player's are"
    yield f"in rounds of at least {rooms.queue_pace:g} s;"
    missed = rooms.missed
    yield f"to {missed.count} seats that it kept for them in {missed.seconds / 60:g} minutes"
    yield f"who has waited for {rooms.patience:g} s"
    yield f"{rooms.waiting_while_full} players who look for a quick match while"
    comings = rooms.comings
    yield f"or `watch`, for the {comings.count + 1}st time in {spoken(comings.seconds)}"
    yield f"{rooms.lines.count} lines in {rooms.lines.seconds:g} seconds"
    in_all = rooms.lines_of_player
    yield f"in a room and {in_all.count} in {in_all.seconds:g} seconds in all"
    crowd = rooms.lines_of_spectators
    yield f"{crowd.count} in {crowd.seconds:g} seconds of all who have no seat in a room together"
    yield f"the last {rooms.lines_kept} lines"
    yield f"changed alone is told in the list once in {limits.realtime.spectators_pace:g} s"
    yield f"in a crowd, {limits.realtime.room_changes.per_second:g} times a second"
    yield f"or for {rooms.deserted_after:g} s, when the room closes"
    yield f"cut off, after {spoken(rooms.skip_after)} and until they act"
    yield f"once {spoken(rooms.between_pulses)} for each player"
    yield f"Games that tick wait another {rooms.restart_pause:g} s"
    yield f"the match's time runs {rooms.hurry:g} times as fast"
    yield f"It moves after {spoken(rooms.bot_after)} at the earliest"
    yield f"had no seated player for {rooms.empty_after:g} s"
    yield f"players of a match have been gone for {rooms.deserted_after:g} s"
    yield f"seated players were idle for {rooms.idle_after / 60:g} minutes"
    yield f"had none for {rooms.vacant_after:g} s in all since"
    yield f"in it for {rooms.idle_after / 60:g} minutes on end"
    rated = limits.ratings
    yield f"begins at {NEW.shown} and changes"
    yield f"lasted {rated.least_lasted:g} s or had {rated.least_steps} moves and ticks"
    yield f"the same two players {rated.between_two} matches count"
    yield f"in {spoken(rated.day)}, and of a player {rated.of_player}."
    yield f"with at least {rated.matches_until_listed}."


ROOMS = Document(
    "docs/rooms.md",
    of_rooms,
    others=[
        # Standards
        "RFC 3339 UTC",
        "(U+202A to 202E, U+2066 to 2069)",
        "(RFC 7396)",
        # Of the protocol
        "*seats* (from 0)",
        "between two, `draw`",
        "budget; 0: back again",
        "`waiting: 0`: no longer",
        "since `version - 1`: whole listings",
        "since `version - 1`: `room`",
        "only in the second half",
        "(0: now;",
        "Of two who leave",
        # Examples of rooms
        '"game": "connect-four"',
        '"spectators": 2, "seats": { "0": {',
        '"brb_left": 180}, "1": {',
        '"brb_left": 120, "absent": {"claim_in": 21.5}, "move_in": 48.0}}',
        '"number": 2, "players"',
        '"waits_for": [1]',
        '"closes_in": 25.0}',
    ],
    limits=[
        "Limits.rooms.between_pulses",
        "Limits.rooms.bot_after",
        "Limits.rooms.hurry",
        "Limits.rooms.deserted_after",
        "Limits.rooms.empty_after",
        "Limits.rooms.idle_after",
        "Limits.rooms.line_length",
        "Limits.rooms.lines",
        "Limits.rooms.lines_kept",
        "Limits.rooms.lines_of_player",
        "Limits.rooms.lines_of_spectators",
        "Limits.rooms.missed",
        "Limits.rooms.patience",
        "Limits.rooms.queue_pace",
        "Limits.rooms.restart_pause",
        "Limits.rooms.rooms",
        "Limits.rooms.rooms_crowded",
        "Limits.rooms.rooms_free_for_one",
        "Limits.rooms.rooms_listed",
        "Limits.rooms.rooms_per_maker",
        "Limits.rooms.rooms_watched",
        "Limits.rooms.searches",
        "Limits.rooms.waiting_while_full",
        "Limits.rooms.skip_after",
        "Limits.rooms.vacant_after",
    ],
)

# docs/python.md


def of_the_client(limits: Limits, settings: Settings) -> Iterator[str]:
    client = ClientLimits()
    pauses = [client.first_pause * 2**attempt for attempt in range(4)]
    yield "at most {:g} s, then {:g}, {:g}, {:g} s".format(*pauses)
    yield f"up to {client.longest_pause:g}."
    yield f"silent for {client.silent_after:g} s"
    yield f"unanswered for {client.answer_within:g} s is given up with {closing.GIVEN_UP}"
    yield f"{min(ENDS)} to {max(ENDS)} end the session"
    yield f"closes its connection with {closing.NORMAL}"


PYTHON = Document(
    "docs/python.md",
    of_the_client,
    others=[
        "http://127.0.0.1:8000",
        "{left:.0f} s",
        "`move_in: 48.0`",
        "budget; 0: back",
        "asyncio.timeout(5)",
        "(RFC 9457)",
        "the two lower layers",
    ],
    limits=[],
)

DOCUMENTS = [SECURITY, PROTOCOL, ROOMS, PYTHON]
of_each = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: each.name)


@of_each
def test_every_number_equals_that_of_the_code(document: Document) -> None:
    assert document.wrong(document.text, Limits(), settings_of()) == []


def test_the_table_of_limits_exists() -> None:
    assert len(rows_of(SECURITY.text)) > 20


@of_each
def test_a_number_changed_in_the_text_alone_is_found(document: Document) -> None:
    text = document.text
    left_out = [range(*found.span()) for found in NAMES.finditer(text)]
    numbers = [
        found
        for found in NUMBER.finditer(text.lower())
        if not any(found.start() in span for span in left_out)
    ]
    assert len(numbers) > 15
    unnoticed = []
    for found in numbers:
        other = "11 times" if found[0][-1].isalpha() else f"{found[0]}7"
        changed = text[: found.start()] + other + text[found.end() :]
        if not document.wrong(changed, Limits(), settings_of()):
            unnoticed.append(found)
    assert unnoticed == []


@pytest.mark.parametrize(
    "more",
    [
        "A player has 7 lives.",
        "Twice as many are let in.",
        "Then one more a second.",
        "It is refused with 403.",
        "| doors | 3 | shut | `Limits` |",
    ],
)
def test_a_new_number_without_a_sentence_is_found(more: str) -> None:
    for place in (END, "## Keys", "## Dependencies"):
        text = SECURITY.text.replace(place, f"{more}\n\n{place}")
        assert SECURITY.wrong(text, Limits(), settings_of()) != [], place


@pytest.mark.parametrize(
    ("there", "wrong"),
    [
        ("| 201 room listing;", "| 202 room listing;"),
        ("404 `no_such_game`;", "405 `no_such_game`;"),
        ("| 200; 404 |", "| 200; 404; 409 |"),
    ],
)
def test_a_wrong_status_in_the_row_of_a_call_is_found(there: str, wrong: str) -> None:
    assert there in ROOMS.text
    assert ROOMS.wrong(ROOMS.text.replace(there, wrong, 1), Limits(), settings_of()) != []


def other_values(value: Any) -> Iterator[Any]:
    """Values like `value`, each with one number changed."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            for other in other_values(getattr(value, name)):
                yield msgspec.structs.replace(value, **{name: other})
    else:
        yield value + 1


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (document, path)
        for document in DOCUMENTS
        for path in sorted({*LIMIT.findall(document.text), *document.limits})
    ],
    ids=lambda each: getattr(each, "name", each),
)
def test_a_number_changed_in_the_code_alone_is_found(document: Document, path: str) -> None:
    kind, *names = path.split(".")
    if kind == "Settings":
        for other in other_values(Settings.model_fields[names[0]].default):
            settings = settings_of(**{names[0]: other})
            assert document.wrong(document.text, Limits(), settings) != []
        return
    part, name = names
    limits = getattr(Limits(), part)
    for other in other_values(getattr(limits, name)):
        changed = msgspec.structs.replace(limits, **{name: other})
        of_all = msgspec.structs.replace(Limits(), **{part: changed})
        assert document.wrong(document.text, of_all, settings_of()) != []
