"""The browser and the system that a `User-Agent` names, each one word of a closed set.

Good enough to tell one's own devices apart, and good for nothing else: the header says what its
sender likes, an iPad mostly that it is a Mac, and Brave that it is Chrome. Nothing but the two
words is kept of it; there is one `Device` for each pair of them, which all sessions share.
"""

import re

from server.presence.session import Device
from server.web.limits import Limits

# In the order in which they are looked for: nearly every browser says that it is others as well,
# and the rare one's own name is what tells. Chrome is what most are, Safari what all are.
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
# The browser that Android had before Chrome calls itself like Safari, and phones of Windows like
# everything there was.
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


def device_from(user_agent: str, limits: Limits = Limits()) -> Device:
    """The browser and the system that this header names; None for what is not known."""
    text = user_agent[: limits.user_agent_read]
    browser = _first(_BROWSER_PATTERNS, text)
    if browser == _SAFARI and _NO_SAFARI.search(text):
        browser = None
    system = None if _NO_SYSTEM.search(text) else _first(_SYSTEM_PATTERNS, text)
    return _DEVICES[browser, system]


def device_of(browser: str | None, system: str | None) -> Device:
    """The device with these words, as they were stored; unknown words are dropped."""
    return _DEVICES[browser if browser in BROWSERS else None, system if system in SYSTEMS else None]


def _first(patterns: list[tuple[str, re.Pattern[str]]], text: str) -> str | None:
    return next((name for name, pattern in patterns if pattern.search(text)), None)
