"""What people read in an exported package: the page that plays it offline, the events, the instructions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import compress
from pathlib import Path
from typing import Any

from cases.fields import clean
from recordings.evidence.clock_jumps import steady
from recordings.evidence.manifest import moment_ns
from recordings.evidence.pauses import pauses_of
from recordings.evidence.veils import NAMELESS, veils_of, without_names
from recordings.film.pages import NAMELESS as UNNAMED
from recordings.packages.check import RECORDING_FOLDER
from recordings.packages.export import PageContent
from recordings.playback.exhibits import Sheet, Step, read_exhibits
from recordings.review.exhibit_page import page_paths
from scheduling.materials.exhibition import READ
from scheduling.materials.showing import SHOWN, worth_a_line
from signaling.speeches import read_speeches
from web.http.static_files import STATIC_ROOT
from web.language import current_language, in_chinese
from web.package_minutes import PackageMinutes
from web.rendering import Renderer
from web.replay.beside import gaps_of
from web.replay.exhibits import build_exhibits
from web.words import ROLES, clock_seconds, date_time, duration, event_word, length_of

PAGE = "index.html"
INSTRUCTIONS = "HOW-TO-VERIFY.txt"
EVENTS_TEXT = "events.txt"
NOTED = "speech.noted"
UNSHOWN = ("link", "invitation", "speech")
REASONED = ("session.paused", "session.closed")
MOST_SPEECHES = 2000  # rows of the page; events.json has them all
STRANGER = "其他参加人"


class PackagePages:
    """Makes the readable files. ``renderer`` holds the templates; ``minutes`` go along if there are any."""

    def __init__(self, renderer: Renderer, minutes: PackageMinutes | None = None) -> None:
        self._renderer = renderer
        self._minutes = minutes
        names = ("css/tokens.css", "package/package.css")
        self._styles = b"".join((STATIC_ROOT / name).read_bytes() for name in names)
        self._scripts = {
            f"player/{name}": (STATIC_ROOT / "package" / name).read_bytes()
            for name in ("player.js", "sheets.js")
        }

    def __call__(self, content: PageContent) -> dict[str, bytes]:
        """Path in the package to bytes.

        The page is in the language of who exports. The texts are a record and stay Chinese; how to verify it
        stands there in both.
        """
        told = _Told(content)
        context = told.context() | {
            "minutes": self._minutes is not None,
            "signed_minutes": self._minutes is not None and self._minutes.record is not None,
            "spoken": self._minutes.spoken if self._minutes else (),
        }
        pages = {PAGE: self._renderer.render("package/index.html", context)}
        with in_chinese():
            pages |= {
                INSTRUCTIONS: self._renderer.render("package/verify.txt", context),
                EVENTS_TEXT: told.events_text(),
            }
        files = {name: text.encode() for name, text in pages.items()}
        minutes = self._minutes.files(content.export.made_at) if self._minutes else {}
        return files | minutes | {"player/package.css": self._styles, **self._scripts}


class _Told:
    """The manifest in words, on the time of the film that lies in the package."""

    def __init__(self, content: PageContent) -> None:
        self._content = content
        self._manifest = steady(content.manifest)
        recording = self._manifest["recording"]
        began_ns = moment_ns(recording["started_at"])
        self._offset = content.clip["from_ms"] / 1000 if content.clip else 0.0
        whole = (moment_ns(recording["stopped_at"]) - began_ns) / 1e9
        self.seconds = content.seconds or whole
        self._began = datetime.fromisoformat(recording["started_at"].replace("Z", "+00:00"))
        self._pauses = pauses_of(self._manifest, began_ns, whole)
        people = self._manifest.get("participants", [])
        # A clip may leave the house without the rest: it names nobody whom its film does not name.
        self._screened = veils_of(self._manifest, began_ns, whole) if content.clip else {}
        self._hidden = {
            person.get("name") for person in people if person.get("participant_id") in self._screened
        }
        self._people = {
            str(person["participant_id"]): person for person in without_names(people, self._screened)
        }

    def context(self) -> dict[str, Any]:
        export, recording = self._content.export, self._manifest["recording"]
        film = self._content.film
        return {
            "language": current_language(),
            "title": export.title,
            "number": export.number,
            "office": (recording.get("organisation") or {}).get("name", ""),
            "began": self._began + timedelta(seconds=self._offset),
            "film": film,
            "seconds": self.seconds,
            "events": self._events(),
            "exhibits": self._exhibits(),
            "speeches": self._speeches()[:MOST_SPEECHES],
            "pauses": self._shown(self._pauses),
            "gaps": [] if self._content.clip else gaps_of(self._manifest),
            "people": [] if self._content.clip else self._attendance(),
            "clip": self._content.clip,
            "clip_words": self._clip_words(),
            "manifest_sha256": export.recording.manifest_sha256,
            "fingerprint": self._content.signature.get("fingerprint"),
            "by": export.by,
            "reason": export.reason,
            "made_at": export.made_at,
            "name": export.name,
        }

    def events_text(self) -> str:
        """One line per event: time in the film, time of day, what, who."""
        export = self._content.export
        lines = [f"{export.number} {export.title}", f"录像开始：{date_time(self._began)}（北京时间）", ""]
        for event in self._events():
            at = duration(event["offset"]) if event["offset"] is not None else "录像之前"
            name = f" · {event['name']}" if event["name"] else ""
            why = f"（原因：{event['reason']}）" if event["reason"] else ""
            lines.append(f"{at:>8}  {clock_seconds(event['at'])}  {event_word(event['kind'])}{name}{why}")
        lines += ["", "发言"] if (speeches := self._speeches()) else []
        lines += [f"{duration(row['start']):>8}  {row['who']}，{row['length']}" for row in speeches]
        return "\n".join(lines) + "\n"

    def _events(self) -> list[dict[str, Any]]:
        found = []
        happened = sorted(self._manifest.get("session_events", []), key=lambda one: one["sequence"])
        told = worth_a_line((event["kind"], event.get("data") or {}) for event in happened)
        for event in compress(happened, told):
            at = datetime.fromisoformat(event["at"].replace("Z", "+00:00"))
            seconds = (at - self._began) / timedelta(seconds=1) - self._offset
            if event["kind"].partition(".")[0] in UNSHOWN or seconds > self.seconds + 1:
                continue
            if self._content.clip and seconds < 0:
                continue
            offset = round(seconds, 1) if seconds >= 0 else None
            name = self._actor_of(event)
            row = {"offset": offset, "at": at, "kind": event["kind"], "name": name}
            found.append({**row, "reason": _reason_of(event)})
        return found

    def _actor_of(self, event: dict[str, Any]) -> str:
        name = event.get("actor_name")
        hidden = event.get("participant_id") in self._screened or name in self._hidden
        return NAMELESS if name and hidden else clean(str(name or ""))

    def _exhibits(self) -> dict[str, Any]:
        """As on the replay's page, with pictures that lie in the package."""
        names = {who: clean(str(person.get("name") or "")) for who, person in self._people.items()}
        steps = [
            self._step_of(event)
            for event in sorted(self._manifest.get("session_events", []), key=lambda one: one["sequence"])
            if event["kind"] in READ
        ]
        shown = read_exhibits(steps, self._offset + self.seconds)
        return build_exhibits(
            shown.between(self._offset, self._offset + self.seconds), names, self._manifest, self._picture
        )

    def _step_of(self, event: dict[str, Any]) -> Step:
        """Who is screened is not named by a file, either."""
        who, data = event.get("participant_id") or "", event["data"] or {}
        if who in self._screened and event["kind"] == SHOWN:
            data = {**data, "name": UNNAMED}
        return Step(event["kind"], self._second_of(event), data, who)

    def _picture(self, sheet: Sheet) -> str:
        """Where the page lies in the package; empty where it does not."""
        clip = self._content.clip
        path = page_paths(clip or self._manifest).get((sheet.material_id, sheet.page))
        return path or "" if clip else f"{RECORDING_FOLDER}/{path}" if path else ""

    def _second_of(self, event: dict[str, Any]) -> float:
        at = datetime.fromisoformat(event["at"].replace("Z", "+00:00"))
        return (at - self._began) / timedelta(seconds=1)

    def _speeches(self) -> list[dict[str, Any]]:
        found = []
        for event in self._manifest.get("session_events", []):
            for speech in read_speeches(event["data"]) if event["kind"] == NOTED else ():
                if speech.until is None:
                    continue
                since, until = (
                    (at - self._began) / timedelta(seconds=1) for at in (speech.since, speech.until)
                )
                person = self._people.get(speech.participant_id, {})
                who = clean(str(person.get("name") or "")) or STRANGER
                found += [{**span, "who": who} for span in self._shown([(since, until)])]
        return sorted(found, key=lambda row: (row["start"], row["who"]))

    def _shown(self, spans: Iterable[tuple[float, float]]) -> list[dict[str, Any]]:
        """The parts within the film."""
        shown = []
        for since, until in spans:
            start, end = max(0.0, since - self._offset), min(until - self._offset, self.seconds)
            if start < self.seconds and end > 0:
                shown.append({"start": round(start, 1), "length": length_of(end - start)})
        return shown

    def _attendance(self) -> list[dict[str, str]]:
        return [
            {
                "name": str(person.get("name") or ""),
                "role": ROLES.get(str(person.get("role")), ""),
                "organisation": str(person.get("organisation") or ""),
            }
            for person in self._people.values()
        ]

    def _clip_words(self) -> str:
        clip = self._content.clip
        if clip is None:
            return ""
        asked = [duration(clip[name] / 1000) for name in ("asked_from_ms", "asked_to_ms")]
        cut = [duration(clip[name] / 1000) for name in ("from_ms", "to_ms")]
        return f"要求 {asked[0]} 至 {asked[1]}，按关键画面取 {cut[0]} 至 {cut[1]}（原录像的时间）"


def _reason_of(event: dict[str, Any]) -> str:
    """Why the session was interrupted, or ended before the minutes were signed; of nothing else."""
    data = event.get("data")
    if event["kind"] not in REASONED or not isinstance(data, dict):
        return ""
    return clean(str(data.get("reason") or ""))


def package_pages(root: Path | None = None, minutes: PackageMinutes | None = None) -> PackagePages:
    """The maker for programs without a web process."""
    return PackagePages(Renderer(root) if root else Renderer(), minutes)
