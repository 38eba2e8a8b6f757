import { Announcer } from "../announcer.js";
import { markReady } from "../boot.js";
import { element } from "../elements.js";
import { Finder, passagesOf } from "./finder.js";
import { FollowedList } from "./followed.js";
import { Keys } from "./keys.js";
import { Lanes } from "./lanes.js";
import { keepPlace, Player } from "./player.js";
import { Ways } from "./ways.js";
import { t } from "../translate.js";

const JUMP = 15;
const find = (id) => document.getElementById(id);
const read = (id) => JSON.parse((find(id) || { textContent: "[]" }).textContent);

markReady();
const film = find("replay-video");
if (film) start(film, film.closest("[data-player]"));
else if (find("replay-stage")) startTracks(find("replay-stage"));

/** The tracks in place of a film: the rest of the page does not know the difference. */
async function startTracks(root) {
  const [{ stage }, { waitForFilm }] = await Promise.all([import("./tracks/first.js"), import("./tracks/film.js")]);
  stage.showSpeakers(read("replay-speeches"));
  start(stage, root.closest("[data-player]"));
  if (find("replay-sheets")) stage.showPapers(read("replay-sheets"));
  if (find("film-coming")) waitForFilm(find("film-coming"), stage);
}

/** Puts the desk together; every part is there only when the page has what it works on. */
function start(film, root) {
  const announcer = new Announcer();
  const area = find("replay-lanes");
  const player = new Player(film, root, Number(root.dataset.duration));
  const ways = new Ways(player, read("replay-speeches"));
  if (area) new Lanes(player, area, read("lanes-now"));
  const [events, chapters, spoken, shown] = ["events", "chapters", "spoken", "exhibits"].map((name) => find(`replay-${name}`));
  const [moments, parts, , pages] = [events, chapters, spoken, shown].map((list) => list && new FollowedList(film, list));
  const finder = find("replay-find") && new Finder(player, find("replay-find"), [events, spoken, shown].flatMap((list) => (list ? passagesOf(list) : [])));
  const go = (list, step) => {
    const time = list && list.beside(step);
    if (time !== null && time !== undefined) player.seek(time);
  };
  const focus = (id) => {
    const target = find(id) || find("proof-title");
    if (target) target.focus();
  };
  const note = () => {
    const place = find("note-new");
    if (!place) return focus("notes-title");
    place.open = true;
    place.querySelector("[data-moment] + button")?.click();
    place.querySelector("textarea").focus();
  };
  const keys = new Keys([
    { keys: [" "], shown: t("空格"), text: t("播放或暂停（焦点在播放器或列表中）"), act: () => player.toggle(), near: true },
    { keys: ["k"], shown: "K", text: t("播放或暂停"), act: () => player.toggle() },
    { keys: ["Shift+ArrowLeft"], shown: "Shift+←", text: t("后退 1 秒"), act: () => player.seek(film.currentTime - 1) },
    { keys: ["Shift+ArrowRight"], shown: "Shift+→", text: t("前进 1 秒"), act: () => player.seek(film.currentTime + 1) },
    { keys: ["ArrowLeft"], shown: "←", text: t("后退 15 秒"), act: () => player.seek(film.currentTime - JUMP) },
    { keys: ["ArrowRight"], shown: "→", text: t("前进 15 秒"), act: () => player.seek(film.currentTime + JUMP) },
    { keys: ["ArrowUp"], shown: "↑", text: t("上一个事件（焦点在播放器或列表中）"), act: () => go(moments, -1), near: true },
    { keys: ["ArrowDown"], shown: "↓", text: t("下一个事件（焦点在播放器或列表中）"), act: () => go(moments, 1), near: true },
    { keys: ["[", "【"], shown: "[", text: t("上一章"), act: () => go(parts, -1) },
    { keys: ["]", "】"], shown: "]", text: t("下一章"), act: () => go(parts, 1) },
    { keys: ["<", "《"], shown: "<", text: t("放慢"), act: () => player.faster(-1) },
    { keys: [">", "》"], shown: ">", text: t("加快"), act: () => player.faster(1) },
    { keys: ["s"], shown: "S", text: t("跳过静默，开或关"), act: () => ways.toggleSilence() },
    { keys: ["o"], shown: "O", text: t("只看下一位"), act: () => announcer.say(t("只看：{0}", ways.nextPerson())) },
    { keys: ["j"], shown: "J", text: t("上一段发言"), act: () => ways.beside(-1) },
    { keys: ["l"], shown: "L", text: t("下一段发言"), act: () => ways.beside(1) },
    ...(shown ? [
      { keys: ["P"], shown: "Shift+P", text: t("上一页出示的材料"), act: () => go(pages, -1) },
      { keys: ["p"], shown: "P", text: t("下一页出示的材料"), act: () => go(pages, 1) },
    ] : []),
    { keys: ["/", "、"], shown: "/", text: t("在录像中查找"), act: () => finder && finder.focus() },
    { keys: ["n"], shown: "N", text: t("在此刻写批注"), act: note },
    { keys: ["c"], shown: "C", text: t("复制此刻的链接"), act: () => player.copyLink() },
    { keys: ["m"], shown: "M", text: t("静音，开或关"), act: () => player.mute() },
    ...(film.enlargeNext ? [{ keys: ["g"], shown: "G", text: t("放大下一方"), act: () => announcer.say(film.enlargeNext()) }] : []),
    ...(film.lookClosely && shown ? [{ keys: ["z"], shown: "Z", text: t("细看材料，开或关"), act: () => film.lookClosely() }] : []),
    { keys: ["f"], shown: "F", text: t("全屏"), act: () => player.fullScreen() },
    { keys: ["v"], shown: "V", text: t("到「重新校验」"), act: () => focus("replay-verify") },
    { keys: ["e"], shown: "E", text: t("到「刻录导出」"), act: () => focus("replay-export") },
    { keys: ["?", "？"], shown: "?", text: t("这个列表"), act: () => keys.help() },
  ], [root, events, chapters, spoken, shown].filter(Boolean));
  // Between the film and the tracks: at the same second.
  for (const link of document.querySelectorAll("[data-view]")) link.addEventListener("click", () => keepPlace(film.currentTime));
  player.tools.querySelector(".replay-acts").append(
    element("button.button.button-second", { type: "button", "aria-haspopup": "dialog", text: t("键盘操作（?）"), on: { click: () => keys.help() } }));
}
