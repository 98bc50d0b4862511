"""What a browser calls itself, in words that its owner recognises; for lists of devices, never for decisions."""

from typing import Final

LONGEST: Final = 512  # characters of a browser's own description that are looked at

# The first sign that is found names the browser: those that copy another's name come before it.
BROWSERS: Final = (
    ("MicroMessenger", "微信"), ("AlipayClient", "支付宝"), ("HuaweiBrowser", "华为浏览器"),
    ("MiuiBrowser", "小米浏览器"), ("HeyTapBrowser", "OPPO 浏览器"), ("VivoBrowser", "vivo 浏览器"),
    ("MQQBrowser", "QQ 浏览器"), ("QQBrowser", "QQ 浏览器"), ("UCBrowser", "UC 浏览器"), ("Quark", "夸克"),
    ("SamsungBrowser", "Samsung Internet"), ("Edg", "Edge"), ("OPR/", "Opera"), ("FxiOS", "Firefox"),
    ("Firefox", "Firefox"), ("CriOS", "Chrome"), ("HeadlessChrome", "Chrome"), ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)  # fmt: skip
SYSTEMS: Final = (
    ("HarmonyOS", "HarmonyOS"), ("OpenHarmony", "HarmonyOS"), ("Android", "Android"), ("iPhone", "iPhone"),
    ("iPad", "iPad"), ("Windows", "Windows"), ("Macintosh", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def name_of(said: str) -> str:
    """`Chrome · Windows`, from a User-Agent line; what is not recognised is left out."""
    looked = said[:LONGEST]
    found = [next((name for sign, name in signs if sign in looked), None) for signs in (BROWSERS, SYSTEMS)]
    return " · ".join(one for one in found if one) or "未知设备"
