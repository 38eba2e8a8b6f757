"""What people read in an exported package: the page that plays it offline, the events, the instructions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cases.fields import clean
from recordings.evidence.clock_jumps import steady
from recordings.evidence.manifest import moment_ns
from recordings.film.pauses import pauses_of
from recordings.packages.export import PageContent
from signaling.speeches import read_speeches
from web.language import in_chinese
from web.rendering import Renderer
from web.replay.beside import gaps_of
from web.static_files import STATIC_ROOT
from web.words import ROLES, clock_seconds, date_time, duration, event_word, length_of

PAGE = "index.html"
INSTRUCTIONS = "HOW-TO-VERIFY.txt"
EVENTS_TEXT = "events.txt"
NOTED = "speech.noted"
UNSHOWN = ("link", "invitation", "speech")
MOST_SPEECHES = 2000  # rows of the page; events.json has them all
STRANGER = "其他参加人"


class PackagePages:
    """Makes the readable files. ``renderer`` holds the templates."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        names = ("css/tokens.css", "package/package.css")
        self._styles = b"".join((STATIC_ROOT / name).read_bytes() for name in names)
        self._script = (STATIC_ROOT / "package/player.js").read_bytes()

    @in_chinese()
    def __call__(self, content: PageContent) -> dict[str, bytes]:
        """Path in the package to bytes."""
        told = _Told(content)
        context = told.context()
        pages = {
            PAGE: self._renderer.render("package/index.html", context),
            INSTRUCTIONS: self._renderer.render("package/verify.txt", context),
            EVENTS_TEXT: told.events_text(),
        }
        files = {name: text.encode() for name, text in pages.items()}
        return files | {"player/package.css": self._styles, "player/player.js": self._script}


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
        self._people = {
            person.get("participant_id"): person for person in self._manifest.get("participants", [])
        }

    def context(self) -> dict[str, Any]:
        export, recording = self._content.export, self._manifest["recording"]
        film = self._content.film
        return {
            "title": export.title,
            "number": export.number,
            "office": (recording.get("organisation") or {}).get("name", ""),
            "began": self._began + timedelta(seconds=self._offset),
            "film": film,
            "seconds": self.seconds,
            "events": self._events(),
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
            lines.append(f"{at:>8}  {clock_seconds(event['at'])}  {event_word(event['kind'])}{name}")
        lines += ["", "发言"] if (speeches := self._speeches()) else []
        lines += [f"{duration(row['start']):>8}  {row['who']}，{row['length']}" for row in speeches]
        return "\n".join(lines) + "\n"

    def _events(self) -> list[dict[str, Any]]:
        found = []
        for event in sorted(self._manifest.get("session_events", []), key=lambda one: one["sequence"]):
            at = datetime.fromisoformat(event["at"].replace("Z", "+00:00"))
            seconds = (at - self._began) / timedelta(seconds=1) - self._offset
            if event["kind"].partition(".")[0] in UNSHOWN or seconds > self.seconds + 1:
                continue
            if self._content.clip and seconds < 0:
                continue
            offset = round(seconds, 1) if seconds >= 0 else None
            name = clean(str(event.get("actor_name") or ""))
            found.append({"offset": offset, "at": at, "kind": event["kind"], "name": name})
        return found

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


def package_pages(root: Path | None = None) -> PackagePages:
    """The maker for programs without a web process."""
    return PackagePages(Renderer(root) if root else Renderer())
