"""What people type: hostile and careless values are refused at the field, good ones are cleaned."""

from __future__ import annotations

import pytest

from cases.errors import Invalid
from cases.fields import clean, clean_name, clean_phone, clean_subject, clean_text, mask_id_number, mask_phone

ZERO_WIDTH = "\u200b\u200d\ufeff"
BIDI = "\u202e\u2066\u2069"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "required"),
        ("   ", "required"),
        (ZERO_WIDTH, "required"),
        (BIDI + "\x00\x1b", "required"),
        ("\u0301" * 5, "required"),
        ("李" * 65, "too_long"),
        ("李" + "\u0301" * 10_000, "too_long"),
    ],
)
def test_bad_names(value: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        clean_name(value)
    assert (caught.value.code, caught.value.field) == (code, "name")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"  李{BIDI}德{ZERO_WIDTH}福 ", "李德福"),
        ("买买提·吐尔逊", "买买提·吐尔逊"),
        ("བཀྲ་ཤིས", "བཀྲ་ཤིས"),
        ("e\u0301", "é"),
        ("<img onerror=x>", "<img onerror=x>"),
        ("王\r\n丽\t华", "王 丽 华"),
        ("李" * 64, "李" * 64),
    ],
)
def test_good_names(value: str, expected: str) -> None:
    assert clean_name(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "12345678901",
        "1380000123",
        "138000012345",
        "+86 13800001234; DROP",
        "１３８０００",
        "1380000123x",
        "٠١٢٣٤٥٦٧٨٩٠",
    ],
)
def test_bad_phones(value: str) -> None:
    with pytest.raises(Invalid) as caught:
        clean_phone(value)
    assert caught.value.field == "phone"


@pytest.mark.parametrize(
    "value",
    ["13800001234", " 138 0000 1234", "+86-138-0000-1234", "008613800001234", "１３８００００１２３４"],
)
def test_phones_are_normalised(value: str) -> None:
    assert clean_phone(value) == "13800001234"


def test_landlines_are_phones() -> None:
    assert clean_phone("(0931) 846-1234") == "09318461234"
    assert mask_phone("13800001234") == "138****1234"


@pytest.mark.parametrize(
    "value",
    ["", "62010219580722001", "620102195807220013", "62010219580722001Y",
     "620102195002301234", "62010210200101123X"],
)  # fmt: skip
def test_bad_identity_numbers(value: str) -> None:
    with pytest.raises(Invalid):
        mask_id_number(value)


def test_identity_numbers_are_kept_masked() -> None:
    assert mask_id_number("11010519491231002x") == "110***********002X"


def test_subjects_and_texts() -> None:
    for value in ("", "水", "水" * 101):
        with pytest.raises(Invalid) as caught:
            clean_subject(value)
        assert caught.value.field == "subject"
    with pytest.raises(Invalid):
        clean_text("水" * 5001)
    assert clean_text("一\r\n\r\n\r\n\r\n二\u202e \n 三") == "一\n\n二\n三"
    assert clean("a\x00b\u2028c") == "abc"
