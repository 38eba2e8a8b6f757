"""What a phone does to a page: telephone calls, the background, sound and pictures that wait for a tap."""

from __future__ import annotations

from cases.clock import SystemClock
from cases.database import Database
from cases.policy import SYSTEM
from cases.roles import InvitationRole
from scheduling.links import issue_link
from scheduling.sessions.invitations import Invitee, invite
from tests.scenarios.service import Service

# Pictures that a phone would open full screen, play aloud, or show black.
UNFIT = """() => [...document.querySelectorAll("video")].filter((video) => {
  const fit = video.hasAttribute("playsinline") && video.muted && video.hasAttribute("autoplay");
  for (let node = video; node; node = node.parentElement) {
    if (getComputedStyle(node).transform !== "none") return true;
  }
  return !fit;
}).length"""
# Where who interprets stands: beside everybody else's picture, under none.
COVERED = """() => {
  const box = (node) => node.getBoundingClientRect();
  const pinned = box(document.querySelector(".tile.is-pinned"));
  const others = [...document.querySelectorAll(".tile:not(.is-pinned)")].map(box);
  const meets = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  return others.filter((other) => meets(pinned, other)).length + (pinned.width < 100 ? 1 : 0);
}"""
# Notes what the page asks for, and can refuse it, take it away, or cut the page off its server.
PHONE_SCRIPT = """
const phone = window.phone = { asked: [], tracks: [], refused: false, cut: false, locks: [], session: null };
const alive = () => phone.tracks.filter((track) => track.readyState === "live");
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const living = alive().filter((track) => wanted[track.kind]).map((track) => track.kind);
  phone.asked.push({ audio: Boolean(wanted.audio), video: Boolean(wanted.video), living });
  if (phone.refused) throw new DOMException("a telephone call", "NotReadableError");
  const stream = await ask(wanted);
  phone.tracks.push(...stream.getTracks());
  return stream;
};
phone.take = (kind) => {
  for (const track of alive().filter((each) => each.kind === kind)) {
    track.stop();
    track.dispatchEvent(new Event("ended"));
  }
};
phone.mute = (kind, muted) => {
  for (const track of alive().filter((each) => each.kind === kind)) {
    Object.defineProperty(track, "muted", { value: muted, configurable: true });
    track.dispatchEvent(new Event(muted ? "mute" : "unmute"));
  }
};
window.WebSocket = class extends WebSocket {
  constructor(...given) { super(...given); phone.socket = this; }
};
const get = window.fetch.bind(window);
window.fetch = (...given) => phone.cut ? Promise.reject(new TypeError("no network")) : get(...given);
phone.hide = (hidden) => {
  const seen = { visibilityState: hidden ? "hidden" : "visible", hidden };
  for (const [name, value] of Object.entries(seen)) {
    Object.defineProperty(document, name, { value, configurable: true });
  }
  document.dispatchEvent(new Event("visibilitychange"));
};
const lock = navigator.wakeLock && navigator.wakeLock.request.bind(navigator.wakeLock);
if (lock) navigator.wakeLock.request = async (kind) => {
  const given = await lock(kind);
  phone.locks.push(given);
  return given;
};
// A page that a browser did not let play says why; pictures may be refused as a phone that saves power does.
const play = HTMLMediaElement.prototype.play;
phone.unplayed = 0;
phone.saves = false;
HTMLMediaElement.prototype.play = function () {
  const refused = phone.saves && this instanceof HTMLVideoElement;
  const playing = refused ? Promise.reject(new DOMException("", "NotAllowedError")) : play.call(this);
  playing.catch((error) => { phone.unplayed += error.name === "NotAllowedError" ? 1 : 0; });
  return playing;
};
navigator.audioSession = Object.assign(new EventTarget(), { type: "auto", state: "active" });
// Every element that plays voices, wherever it is.
phone.elements = [];
window.Audio = class extends Audio {
  constructor(...given) { super(...given); phone.elements.push(this); }
};
const sounds = ({ srcObject }) => srcObject.getTracks().some((track) => track.readyState === "live");
phone.voices = () => phone.elements.filter(sounds);
"""
LARGE = "(large) => document.documentElement.classList.toggle('large-type', large)"
# What a phone on its side shows only in part, the large picture and its four buttons.
NOT_IN_SIGHT = """() => [...document.querySelectorAll(".bar-button, .tile.is-main")]
  .filter((node) => node.offsetParent)
  .map((node) => [node.dataset.action || "picture", node.getBoundingClientRect()])
  .filter(([, { top, left, bottom, right, height }]) =>
    top < 0 || left < 0 || bottom > innerHeight || right > innerWidth || height < 64)
  .map(([name]) => name)"""
# Every time the page says "轮到您了", seen or told.
WATCH_CALLS = """() => {
  window.calls = [];
  const look = () => {
    const seen = document.querySelector('[data-screen="called"]:not([hidden])');
    const told = [...document.querySelectorAll("[data-announcer]")]
      .find((node) => node.textContent.includes("轮到您了"));
    if (seen || told) calls.push(seen ? "seen" : "told");
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""


async def bring_in(service: Service, session_id: str, role: InvitationRole, name: str) -> str:
    """Invite somebody to a sitting; returns the address of the link."""
    database, clock = Database(service.settings.database_url), SystemClock()
    try:
        async with database.session() as db:
            invitation = await invite(db, clock, SYSTEM, session_id, Invitee(role, name))
            secret = await issue_link(db, clock, SYSTEM, invitation.id)
            return f"{service.base}/j/{invitation.code}#{secret}"
    finally:
        await database.close()
