"""The players of the storm: they connect, play, drop their connections and sign out."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from scripts.storm.browser import Account, Answer, Browser, call
from server.client import Address, Unreachable

_ACTORS = 12
_MOST_SESSIONS = 6
"""Sessions of one player; the server replaces the oldest beyond ten."""

_PASSWORD = "correct horse battery"


class StormPlayers:
    """The players and their browsers, across all starts of the server."""

    def __init__(self, dice: random.Random) -> None:
        self.browsers: list[Browser] = []
        self.accounts: list[Account] = []
        """Registered players, whose registration was answered."""
        self.did: Counter[str] = Counter()
        self._dice = dice
        self._address = Address("http", "127.0.0.1", 0)
        self._locks: dict[str, asyncio.Lock] = {}
        self._number = 0

    @property
    def living(self) -> list[Browser]:
        """The browsers whose sessions have not ended, as far as they know."""
        return [browser for browser in self.browsers if browser.ending is None]

    def new_name(self, kind: str) -> str:
        self._number += 1
        return f"{kind} {self._number}"

    async def reconnect_some(self, address: Address) -> list[Browser]:
        """Reconnect some of those who were here, and let them play on; return them."""
        self._address = address
        able = [browser for browser in self.living if not browser.is_doubtful]
        chosen = self._dice.sample(able, min(len(able), 8))
        await asyncio.gather(
            *(self._unless_unreachable(browser.connect(address)) for browser in chosen)
        )
        return chosen

    async def storm(self, address: Address) -> None:
        """Do everything at once, until cancelled or the server is unreachable."""
        self._address = address
        for browser in self.browsers:
            browser.is_busy = False
        seeds = [self._dice.getrandbits(32) for _ in range(_ACTORS)]
        await asyncio.gather(*(self._act_for_ever(random.Random(seed)) for seed in seeds))

    async def hear_the_rest(self) -> None:
        """Wait until every socket has ended."""
        await asyncio.gather(*(browser.hear_the_rest() for browser in self.browsers[-500:]))

    async def _unless_unreachable(self, what: Awaitable[None]) -> None:
        with suppress(Unreachable):
            await what

    async def _act_for_ever(self, dice: random.Random) -> None:
        with suppress(Unreachable):
            while True:
                await self._act(dice)
                await asyncio.sleep(dice.uniform(0.0, 0.03))

    async def _act(self, dice: random.Random) -> None:
        idle = [browser for browser in self.living if not browser.is_busy]
        if (len(idle) < 30 and dice.random() < 0.4) or not idle:
            await self._arrive(dice)
            return
        browser = dice.choice(idle[-40:])
        browser.is_busy = True
        ways: list[tuple[int, Callable[[Browser], Awaitable[None]]]] = [
            (30, self._play),
            (15, self._connect),
            (10, self._drop),
            (12, self._sign_out),
            (8, self._act_without_a_socket),
        ]
        if browser.account.password is not None:
            ways += [(10, self._sign_out_everywhere), (10, self._sign_in_again)]
        (way,) = dice.choices([way for _, way in ways], [weight for weight, _ in ways])
        try:
            await way(browser)
        finally:
            browser.is_busy = False

    # Actions

    async def _arrive(self, dice: random.Random) -> None:
        chance = dice.random()
        if chance < 0.06:
            await self._register()
        elif chance < 0.2 and self.accounts:
            account = dice.choice(self.accounts[-10:])
            await self._sign_in(account, None, remember=dice.random() < 0.5)
        else:
            account = Account(self.new_name("Guest"), None)
            sent_at = monotonic()
            answer = await self._call("POST", "/api/guests", body={"name": account.name})
            if answer.is_done:
                self._let_in(Browser.of(answer, account, sent_at, remember=False), "signed in")

    async def _register(self) -> None:
        account = Account(self.new_name("Player"), _PASSWORD)
        sent_at = monotonic()
        body = {"name": account.name, "password": _PASSWORD}
        answer = await self._call("POST", "/api/players", body=body)
        if answer.is_done:
            self._let_in(Browser.of(answer, account, sent_at, remember=False), "registered")
            self.accounts.append(account)

    async def _sign_in(self, account: Account, old: Browser | None, *, remember: bool) -> None:
        lock = self._locks.setdefault(account.name, asyncio.Lock())
        async with lock:
            if sum(browser.account is account for browser in self.living) >= _MOST_SESSIONS:
                return
            if old is not None:
                old.is_doubtful = True
            sent_at = monotonic()
            body = {"name": account.name, "password": _PASSWORD, "remember": remember}
            cookie = "" if old is None else old.cookie
            answer = await self._call("POST", "/api/session", cookie=cookie, body=body)
            if old is not None:
                old.is_doubtful = False
            if answer.is_done:
                self._let_in(Browser.of(answer, account, sent_at, remember=remember), "signed in")
                if old is not None:
                    old.note_ending("replaced", is_exact=False)

    async def _play(self, browser: Browser) -> None:
        if not browser.is_open:
            await browser.connect(self._address)
        for _ in range(3):
            await browser.ping()
            await asyncio.sleep(0.05)
        self.did["pings"] += 3

    async def _connect(self, browser: Browser) -> None:
        if not browser.is_open:
            await browser.connect(self._address)
            self.did["sockets opened"] += 1

    async def _drop(self, browser: Browser) -> None:
        self.did["sockets closed"] += browser.is_open
        if len(browser.session_id) % 2:
            await browser.close()
        else:
            browser.abort()

    async def _act_without_a_socket(self, browser: Browser) -> None:
        browser.tried_at = sent_at = monotonic()
        answer = await self._call("POST", "/api/session/activity", cookie=browser.cookie)
        if answer.is_done:
            browser.acted_at = max(browser.acted_at, sent_at)
        elif answer.refused == 401:
            browser.note_ending(answer.code)

    async def _sign_out(self, browser: Browser) -> None:
        browser.is_doubtful = True
        answer = await self._call("DELETE", "/api/session", cookie=browser.cookie)
        browser.is_doubtful = False
        self._note_signed_out(browser, answer)

    async def _sign_out_everywhere(self, browser: Browser) -> None:
        async with self._locks.setdefault(browser.account.name, asyncio.Lock()):
            all_of_them = [each for each in self.living if each.account is browser.account]
            for each in all_of_them:
                each.is_doubtful = True
            answer = await self._call("DELETE", "/api/sessions", cookie=browser.cookie)
            for each in all_of_them:
                each.is_doubtful = False
                if answer.is_done and each is not browser:
                    each.note_ending("signed_out_everywhere", is_exact=False)
            if answer.is_done:
                browser.note_ending("signed_out_everywhere")
                self.did["signed out everywhere"] += 1
            else:
                self._note_signed_out(browser, answer)

    async def _sign_in_again(self, browser: Browser) -> None:
        await self._sign_in(browser.account, browser, remember=browser.remember)

    def _note_signed_out(self, browser: Browser, answer: Answer) -> None:
        if answer.is_done:
            browser.note_ending("signed_out")
            self.did["signed out"] += 1
        elif answer.refused == 401:
            browser.note_ending(answer.code)

    def _let_in(self, browser: Browser, what: str) -> None:
        self.browsers.append(browser)
        self.did[what] += 1

    async def _call(self, method: str, path: str, **options: Any) -> Answer:
        return await call(self._address, method, path, **options)
