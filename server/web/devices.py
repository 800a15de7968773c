"""The browser and system of a `User-Agent`, each one word of a closed set.

Good enough for players to tell their own devices apart, and for nothing else: the header can be
anything, and an iPad usually claims to be a Mac, Brave to be Chrome. Only the two words are kept;
there is one `Device` for each pair, shared by all sessions.
"""

import re

from server.presence.session import Device
from server.web.limits import Limits

# In order of search: nearly every browser also names others, and the rarer name decides. Most name
# Chrome, all name Safari.
_BROWSERS = {
    "Samsung Internet": "SamsungBrowser",
    "Opera": "OPR|OPT|OPX|OPiOS|Opera",
    "Edge": "Edg|EdgA|EdgiOS|Edge",
    "Vivaldi": "Vivaldi",
    "Yandex": "YaBrowser",
    "DuckDuckGo": "DuckDuckGo|Ddg",
    "UC Browser": "UCBrowser",
    "Huawei Browser": "HuaweiBrowser",
    "Mi Browser": "MiuiBrowser",
    "Firefox": "Firefox|FxiOS|Focus",
    "Chrome": "Chrome|CriOS|Chromium|HeadlessChrome",
}
_SAFARI = "Safari"
_SYSTEMS = {
    "iPadOS": "iPad",
    "iOS": "iPhone|iPod",
    "Android": "Android",
    "ChromeOS": "CrOS",
    "Windows": "Windows NT",
    "macOS": "Macintosh",
    "Linux": "Linux",
}
# Android's old browser names Safari, and Windows phones name all systems.
_NO_SAFARI = re.compile(r"\bAndroid\b")
_NO_SYSTEM = re.compile(r"\bWindows Phone\b")

BROWSERS = (*_BROWSERS, _SAFARI)
SYSTEMS = tuple(_SYSTEMS)
_DEVICES = {
    (browser, system): Device(browser, system)
    for browser in (None, *BROWSERS)
    for system in (None, *SYSTEMS)
}
_BROWSER_PATTERNS = [
    *((name, re.compile(rf"(?<![\w.])(?:{words})/")) for name, words in _BROWSERS.items()),
    (_SAFARI, re.compile(r"(?<![\w.])Version/.*(?<![\w.])Safari/")),
]
_SYSTEM_PATTERNS = [(name, re.compile(rf"\b(?:{words})\b")) for name, words in _SYSTEMS.items()]


def device_from(user_agent: str, limits: Limits) -> Device:
    """Return the browser and system that this header names; None if unknown."""
    text = user_agent[: limits.user_agent_read]
    browser = _first(_BROWSER_PATTERNS, text)
    if browser == _SAFARI and _NO_SAFARI.search(text):
        browser = None
    system = None if _NO_SYSTEM.search(text) else _first(_SYSTEM_PATTERNS, text)
    return _DEVICES[browser, system]


def device_of(browser: str | None, system: str | None) -> Device:
    """Return the device with these stored words; unknown words become None."""
    return _DEVICES[browser if browser in BROWSERS else None, system if system in SYSTEMS else None]


def _first(patterns: list[tuple[str, re.Pattern[str]]], text: str) -> str | None:
    return next((name for name, pattern in patterns if pattern.search(text)), None)
