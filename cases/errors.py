"""Trouble that is told to a person: a stable code, a plain Chinese sentence, and the field if any."""

from __future__ import annotations


class RuleError(Exception):
    """A rule of the house was broken. `code` is for programs, `message` is shown as it stands."""

    default_code = "rule"
    default_message = "这一步现在不能进行。"

    def __init__(self, code: str | None = None, message: str | None = None, field: str | None = None) -> None:
        self.code = code or self.default_code
        self.message = message or self.default_message
        self.field = field
        super().__init__(f"{self.code}: {self.message}")


class NotFound(RuleError):
    """The thing does not exist, or the actor may not even know that it does."""

    default_code = "not_found"
    default_message = "没有找到您要的内容，可能已经删除，或者不属于您的办理范围。"


class Forbidden(RuleError):
    """The actor sees the thing and may not do this to it."""

    default_code = "forbidden"
    default_message = "您的岗位没有进行这一步的权限。"


class SignInRequired(RuleError):
    """Nobody is signed in, and the public may not do this."""

    default_code = "sign_in_required"
    default_message = "请先登录。"


class Conflict(RuleError):
    """Somebody else was faster, or the thing is no longer in the state the actor saw."""

    default_code = "conflict"
    default_message = "情况刚刚发生了变化，请刷新后再试。"


class Invalid(RuleError):
    """A field holds something it cannot hold."""

    default_code = "invalid"
    default_message = "填写的内容有误，请检查。"
