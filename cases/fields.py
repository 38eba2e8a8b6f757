"""Values people type: cleaned, checked, and refused with a sentence that stands at the field."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from datetime import date, datetime

from cases.errors import Invalid

NAME_LIMIT = 64  # Graphemes.
SUBJECT_LIMIT = 100
TEXT_LIMIT = 5000
# Nobody's name needs more marks than this on one letter; without it 10,000 marks are one grapheme.
CODE_POINTS_PER_GRAPHEME = 4

FIRST_BIRTHDAY = date(1880, 1, 1)  # Nobody who is alive is older.

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"0\d{2,3}\d{7,8}")
_ID_NUMBER = re.compile(r"\d{17}[\dX]")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def clean(text: str, *, lines: bool = False) -> str:
    """Return `text` in NFC without control, bidirectional and zero-width characters, blanks collapsed.

    With `lines` line feeds are kept (never more than one empty line in a row).
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    if not lines:
        text = text.replace("\n", " ").replace("\t", " ")
    kept = "".join(c for c in text if c == "\n" or unicodedata.category(c) not in _UNSEEN)
    kept = re.sub(r"[^\S\n]+", " ", kept)
    return re.sub(r" ?\n ?", "\n", re.sub(r"(\n ?){3,}", "\n\n", kept)).strip()


def count_graphemes(text: str) -> int:
    """Return how many characters a reader sees: marks belong to the letter before them."""
    marks = ("Mn", "Me", "Mc")
    return sum(1 for c in text if unicodedata.category(c) not in marks and not 0x1F3FB <= ord(c) <= 0x1F3FF)


def clean_name(value: str, field: str = "name", label: str = "姓名") -> str:
    """Return a name of 1 to 64 graphemes on one line. Raises Invalid at `field`."""
    name = clean(value)
    if count_graphemes(name) == 0:
        raise Invalid("required", f"请填写{label}。", field)
    _limit(name, NAME_LIMIT, field, label)
    return name


def clean_subject(value: str, field: str = "subject", label: str = "事项标题") -> str:
    """Return a title of 2 to 100 graphemes on one line. Raises Invalid at `field`."""
    subject = clean(value)
    if count_graphemes(subject) < 2:
        raise Invalid("required", f"请填写{label}，至少两个字。", field)
    _limit(subject, SUBJECT_LIMIT, field, label)
    return subject


def clean_text(value: str, field: str = "description", label: str = "内容", limit: int = TEXT_LIMIT) -> str:
    """Return a text of several lines, possibly empty, of at most `limit` graphemes. Raises Invalid."""
    text = clean(value, lines=True)
    _limit(text, limit, field, label)
    return text


def clean_phone(value: str, field: str = "phone") -> str:
    """Return a mainland mobile or landline number as digits only. Raises Invalid at `field`."""
    text = unicodedata.normalize("NFKC", clean(value))
    digits = re.sub(r"[\s\-‐‑–—()（）.]", "", text)
    digits = re.sub(r"^(\+|00)86", "", digits)
    if not digits.isascii() or not (_MOBILE.fullmatch(digits) or _LANDLINE.fullmatch(digits)):
        message = "请填写正确的手机号（11 位数字），或带区号的座机号。" if digits else "请填写联系电话。"
        raise Invalid("bad_phone" if digits else "required", message, field)
    return digits


def mask_id_number(value: str, field: str = "id_number") -> str:
    """Check a resident identity number (GB 11643 check digit) and return it masked: `620***********1234`."""
    number = clean_id_number(value, field)
    return number[:3] + "*" * 11 + number[14:]


def mark_id_number(key: bytes, value: str) -> str:
    """Return HMAC-SHA-256 of the checked number in hex: the same for one person, nothing without the key."""
    return hmac.new(key, clean_id_number(value).encode(), hashlib.sha256).hexdigest()


def clean_id_number(value: str, field: str = "id_number") -> str:
    """Return the 18 characters of a resident identity number. Raises Invalid at `field`."""
    number = unicodedata.normalize("NFKC", clean(value)).replace(" ", "").upper()
    known = number.isascii() and _ID_NUMBER.fullmatch(number) and _check_digit(number) == number[17]
    if not (known and _is_day(number[6:14])):
        raise Invalid("bad_id_number", "身份证号码不对，请核对 18 位号码。", field)
    return number


def mask_phone(phone: str) -> str:
    """Return the number as lists show it: `138****1234`."""
    return phone[:3] + "*" * max(0, len(phone) - 7) + phone[-4:]


def mask_name(name: str) -> str:
    """Return `李某` for whoever needs to know that there is somebody, not who; empty for no name."""
    return f"{name[:1]}某" if name else ""


def require_zone(moment: datetime, field: str) -> datetime:
    """Return `moment`, which must carry a zone. Raises Invalid at `field`."""
    if moment.tzinfo is None:
        raise Invalid("bad_time", "时间缺少时区。", field)
    return moment


def _is_day(digits: str) -> bool:
    """One slip in eleven keeps the check digit right; a birthday that no calendar has tells it as well."""
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])) >= FIRST_BIRTHDAY
    except ValueError:
        return False


def _check_digit(number: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _ID_WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def _limit(text: str, limit: int, field: str, label: str) -> None:
    if count_graphemes(text) > limit or len(text) > limit * CODE_POINTS_PER_GRAPHEME:
        raise Invalid("too_long", f"{label}太长了，最多 {limit} 个字。", field)
