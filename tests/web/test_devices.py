"""Browser and system from User-Agent headers: real ones, and others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.web.devices import BROWSERS, SYSTEMS, device_from, device_of
from server.web.limits import Limits

APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1_1 like Mac OS X)"
IPAD = "Mozilla/5.0 (iPad; CPU OS 17_6_1 like Mac OS X)"

KNOWN: list[tuple[str, str | None, str | None]] = [
    (f"{WINDOWS} {CHROME} Safari/537.36", "Chrome", "Windows"),
    (f"{MAC} {CHROME} Safari/537.36", "Chrome", "macOS"),
    (f"Mozilla/5.0 (X11; Linux x86_64) {CHROME} Safari/537.36", "Chrome", "Linux"),
    (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36", "Chrome", "ChromeOS"),
    (f"{ANDROID} {CHROME} Mobile Safari/537.36", "Chrome", "Android"),
    (f"{IPHONE} {APPLE} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1", "Chrome", "iOS"),
    (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " HeadlessChrome/131.0.0.0 Safari/537.36",
        "Chrome",
        "Linux",
    ),
    (f"{WINDOWS} {CHROME} Safari/537.36 Edg/131.0.2903.86", "Edge", "Windows"),
    (f"{ANDROID} {CHROME} Mobile Safari/537.36 EdgA/131.0.2903.87", "Edge", "Android"),
    (
        f"{IPHONE} {APPLE} Version/18.0 EdgiOS/131.0.2903.92 Mobile/15E148 Safari/604.1",
        "Edge",
        "iOS",
    ),
    (
        f"{WINDOWS} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36"
        " Edge/18.17763",
        "Edge",
        "Windows",
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
        "Firefox",
        "Windows",
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:133.0) Gecko/20100101 Firefox/133.0",
        "Firefox",
        "macOS",
    ),
    (
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
        "Firefox",
        "Linux",
    ),
    ("Mozilla/5.0 (Android 15; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0", "Firefox", "Android"),
    (f"{IPHONE} {APPLE} FxiOS/133.0 Mobile/15E148 Safari/605.1.15", "Firefox", "iOS"),
    ("Mozilla/5.0 (X11; FreeBSD amd64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox", None),
    (f"{MAC} {APPLE} Version/18.1.1 Safari/605.1.15", "Safari", "macOS"),
    (f"{IPHONE} {APPLE} Version/18.1.1 Mobile/15E148 Safari/604.1", "Safari", "iOS"),
    (f"{IPAD} {APPLE} Version/17.6 Mobile/15E148 Safari/604.1", "Safari", "iPadOS"),
    (f"{WINDOWS} {CHROME} Safari/537.36 OPR/116.0.0.0", "Opera", "Windows"),
    (f"{ANDROID} {CHROME} Mobile Safari/537.36 OPR/86.0.0.0", "Opera", "Android"),
    (f"{IPHONE} {APPLE} Version/18.1 Mobile/15E148 Safari/604.1 OPT/5.2.3", "Opera", "iOS"),
    ("Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18", "Opera", "Windows"),
    (
        "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko)"
        " SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
        "Samsung Internet",
        "Android",
    ),
    (f"{MAC} {CHROME} Safari/537.36 Vivaldi/7.0.3495.15", "Vivaldi", "macOS"),
    (
        f"{WINDOWS} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0"
        " YaBrowser/24.10.0.0 Safari/537.36",
        "Yandex",
        "Windows",
    ),
    (f"{MAC} {APPLE} Version/17.6 Safari/605.1.15 Ddg/17.6", "DuckDuckGo", "macOS"),
    (
        "Mozilla/5.0 (Linux; U; Android 13; en-US; 2201117TG) AppleWebKit/537.36 (KHTML, like"
        " Gecko) Version/4.0 Chrome/100.0.4896.127 UCBrowser/13.5.8.1311 Mobile Safari/537.36",
        "UC Browser",
        "Android",
    ),
    (
        "Mozilla/5.0 (Linux; Android 12; HarmonyOS; NOH-AN00) AppleWebKit/537.36 (KHTML, like"
        " Gecko) Chrome/114.0.5735.196 HuaweiBrowser/15.0.4.312 Mobile Safari/537.36",
        "Huawei Browser",
        "Android",
    ),
    (
        "Mozilla/5.0 (Linux; U; Android 14; zh-cn; 23127PN0CC) AppleWebKit/537.36 (KHTML, like"
        " Gecko) Version/4.0 Chrome/109.0 Mobile Safari/537.36 XiaoMi/MiuiBrowser/18.5.40",
        "Mi Browser",
        "Android",
    ),
]
UNKNOWN: list[tuple[str, str | None, str | None]] = [
    ("", None, None),
    ("curl/8.5.0", None, None),
    ("python-httpx/0.28.1", None, None),
    ("Firefox", None, None),
    # A page on the home screen; the browser of old Androids; Windows Phone.
    (f"{IPHONE} {APPLE} Mobile/15E148", None, "iOS"),
    (
        "Mozilla/5.0 (Linux; U; Android 4.0.3; en-us) AppleWebKit/534.30 (KHTML, like Gecko)"
        " Version/4.0 Mobile Safari/534.30",
        None,
        "Android",
    ),
    (
        "Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950)"
        " AppleWebKit/537.36 (KHTML, like Gecko) Chrome/52.0.2743.116 Mobile Safari/537.36"
        " Edge/15.15063",
        "Edge",
        None,
    ),
    ("Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", None, "Windows"),
]


@pytest.mark.parametrize(("header", "browser", "system"), KNOWN + UNKNOWN)
def test_a_browser_is_known_by_its_header(
    header: str, browser: str | None, system: str | None
) -> None:
    assert device_from(header, Limits()) == (browser, system)


def test_every_browser_and_system_is_recognised_in_a_header() -> None:
    assert {browser for _, browser, _ in KNOWN} == set(BROWSERS)
    assert {system for _, _, system in KNOWN} - {None} == set(SYSTEMS)


def test_equal_devices_share_one_object() -> None:
    header, browser, system = KNOWN[0]
    assert device_from(header, Limits()) is device_from(header + " and more", Limits())
    assert device_from(header, Limits()) is device_of(browser, system)


parts = st.sampled_from(
    [word for header, _, _ in KNOWN + UNKNOWN for word in header.split()] + ["Version/", "("]
)


@given(st.text(st.characters(exclude_categories=())) | st.lists(parts).map(" ".join))
def test_any_header_gives_known_words_or_none(header: str) -> None:
    device = device_from(header, Limits())
    assert device.browser in (None, *BROWSERS)
    assert device.system in (None, *SYSTEMS)


@given(st.none() | st.text(), st.none() | st.text() | st.sampled_from(SYSTEMS))
def test_any_stored_device_gives_known_words_or_none(
    browser: str | None, system: str | None
) -> None:
    assert device_of(browser, system) == (
        browser if browser in BROWSERS else None,
        system if system in SYSTEMS else None,
    )


def test_only_the_beginning_of_a_header_is_read() -> None:
    header, browser, system = KNOWN[0]
    behind = " " * 100 + header
    read = len(behind)
    assert device_from(behind, Limits(user_agent_read=read)) == (browser, system)
    assert device_from(behind, Limits(user_agent_read=100)) == (None, None)


def test_a_header_of_any_length_is_read_quickly() -> None:
    assert device_from("(" * 1_000_000 + KNOWN[0][0], Limits()) == (None, None)
    assert device_from("Version/" * 1_000_000, Limits()).browser is None
