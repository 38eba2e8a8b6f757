"""The fields of a matter, as citizens and clerks fill them in, to a `Matter`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cases.casefile import PetitionClass
from cases.errors import Invalid
from cases.fields import clean, clean_id_number, clean_name, clean_phone, clean_subject, clean_text
from cases.intake.matter import ReplyBy
from cases.intake.matters import Mandate
from cases.people import PersonDetails
from web.http.forms import Form
from web.words import CLASSES, REPLIES

MOST_LINES = 20
ENCLOSED = "授权委托书随表上传"
_PHONE_AT_END = re.compile(r"[\s,，:：]+(\+?[\d\-()（） ]{7,20})$")


def read_person(form: Form, *, phone_required: bool = True) -> PersonDetails:
    """Name, phone, number of the identity card and address."""
    name = form.take("name", clean_name)
    phone = form.phone("phone", optional=not phone_required)
    number = form.take("id_number", clean_id_number) if clean(form.typed("id_number")) else ""
    address = form.take("address", lambda typed: clean_text(typed, "address", "住址", 200))
    return PersonDetails(name, phone, number, address)


def read_matter(form: Form, label: str = "事项标题") -> tuple[str, str]:
    """Subject and description. `label`: what the field of the subject is called on the page."""
    subject = form.take("subject", lambda typed: clean_subject(typed, label=label))
    return subject, form.take("description", clean_text)


def read_class(form: Form) -> PetitionClass:
    """The class; a form without the field means a claim."""
    if not form.typed("class"):
        form.values["class"] = PetitionClass.CLAIM
        return PetitionClass.CLAIM
    return PetitionClass(form.choice("class", CLASSES, "请选择类别") or PetitionClass.CLAIM)


def read_accused(form: Form, organisations: Mapping[str, str]) -> str | None:
    """The organisation the matter is about, if one was chosen."""
    if not form.typed("accused"):
        return None
    return form.choice("accused", organisations, "请选择被反映的单位") or None


def read_reply(form: Form) -> ReplyBy:
    """How to answer; by telephone unless something else was chosen."""
    if not form.typed("reply_by"):
        form.values["reply_by"] = ReplyBy.PHONE
        return ReplyBy.PHONE
    return ReplyBy(form.choice("reply_by", REPLIES, "请选择怎样答复") or ReplyBy.PHONE)


def read_headcount(form: Form) -> int:
    """How many petition together; one when nothing was typed."""
    typed = form.values["headcount"] = clean(form.typed("headcount"))[:20]
    if not typed:
        return 1
    if typed.isascii() and typed.isdigit() and len(typed) <= 6 and int(typed) > 0:
        return int(typed)
    form.fail("headcount", "人数请填一个数字，例如 3")
    return 1


def read_representatives(form: Form) -> tuple[PersonDetails, ...]:
    """One a line: a name, and a phone where there is one."""
    text = form.values["representatives"] = clean(form.typed("representatives"), lines=True)
    lines = [line for line in text.split("\n") if line]
    if len(lines) > MOST_LINES:
        form.fail("representatives", f"代表最多填 {MOST_LINES} 行")
        return ()
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(_one_a_line(line))
        except Invalid as error:
            form.fail("representatives", f"第 {number} 行：{error.message}")
    return tuple(found)


def read_proxy(form: Form, enclosed: bool = False) -> Mandate | None:
    """A proxy, if any of his fields was filled in; an `enclosed` mandate needs no words."""
    names = ("proxy_name", "proxy_phone", "mandate")
    for name in names:
        form.values[name] = clean(form.typed(name))
    if not any(form.values[name] for name in names) and not enclosed:
        return None
    name = form.take("proxy_name", lambda typed: clean_name(typed, "proxy_name", "代理人姓名"))
    phone = form.phone("proxy_phone")
    if "proxy_phone" in form.errors:  # The petitioner's own number is refused with the same words.
        form.errors["proxy_phone"] = f"代理人：{form.errors['proxy_phone']}"
    words = form.take("mandate", lambda typed: clean_text(typed, "mandate", "委托说明", 200))
    if enclosed and not words:
        words = ENCLOSED
    if not words:
        form.fail("mandate", "请写明授权委托书的情况，例如：2026-11-20 签署，由本人带来。")
    return Mandate(PersonDetails(name, phone), words)


def _one_a_line(line: str) -> PersonDetails:
    ending = _PHONE_AT_END.search(line)
    phone = clean_phone(ending.group(1)) if ending else ""
    return PersonDetails(clean_name(line[: ending.start()] if ending else line), phone)
