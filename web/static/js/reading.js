// Reading aloud (朗读), remembered, and what is told when the network goes. A classic script: every citizen page.
(function () {
  var KEY = "lianxin.reading";
  var synth = window.speechSynthesis;
  var say = window.lianxinSay;
  var TONGUE = /^en/.test(document.documentElement.lang) ? /^en/i : /^(zh|cmn)/i;
  var NONE = say("这台设备没有中文朗读。请点「大字版」，或拨打求助电话，工作人员念给您听。");
  var OFFLINE = say("网络断开了。您填写的内容和位置都保留着，连上以后可以继续。");
  var READ = "h1, h2, p, li, dt, dd, legend, label, .button, .bar-button";

  function announce(text, urgent) {
    var node = document.querySelector("[data-announcer=" + (urgent ? "assertive" : "polite") + "]");
    if (node) node.textContent = text;
  }
  function show(name, text) {
    var node = document.querySelector("[data-note=" + name + "]");
    if (!node) return;
    node.textContent = text;
    node.hidden = !text;
  }
  function wanted() {
    try { return localStorage.getItem(KEY) === "on"; } catch (error) { return false; }
  }
  function remember(on) {
    try { localStorage.setItem(KEY, on ? "on" : "off"); } catch (error) { /* Private mode: for this page only. */ }
  }
  function chinese() {
    var voices = synth ? synth.getVoices() : [];
    for (var i = 0; i < voices.length; i += 1) if (TONGUE.test(voices[i].lang)) return voices[i];
    return null;
  }
  /** The first Chinese voice; some systems tell their voices late, so up to a second is waited. */
  function findVoice(then) {
    if (!synth) { then(null); return; }
    var found = chinese(), done = Boolean(found);
    if (done) { then(found); return; }
    function finish() { if (!done) { done = true; then(chinese()); } }
    if (synth.addEventListener) synth.addEventListener("voiceschanged", finish, { once: true });
    setTimeout(finish, 1000);
  }
  /** What is seen, block by block and none twice; nothing of a talk that is going on. */
  function sentences() {
    // A page shown over the talk is what the person has before them.
    var main = document.querySelector("dialog[open]") || document.getElementById("main"), found = [], read = [];
    var nodes = main ? main.querySelectorAll(READ) : [];
    for (var i = 0; i < nodes.length; i += 1) {
      var node = nodes[i], inside = read.some(function (one) { return one.contains(node); });
      var words = (node.innerText || "").replace(/\s+/g, " ").trim();
      if (inside || !words || !node.getClientRects().length) continue;
      read.push(node);
      found.push(words);
    }
    return found;
  }
  function paint(on) {
    var buttons = document.querySelectorAll("[data-read-aloud]");
    for (var i = 0; i < buttons.length; i += 1) {
      buttons[i].setAttribute("aria-pressed", String(on));
      buttons[i].textContent = say(on ? "停止朗读" : "朗读");
    }
  }
  function stop() {
    if (synth) synth.cancel();
    paint(false);
  }
  function read(asked) {
    findVoice(function (voice) {
      if (!voice) {
        paint(false);
        if (asked) { show("reading", NONE); announce(NONE); }
        return;
      }
      var parts = sentences(), left = parts.length;
      synth.cancel();
      paint(left > 0);
      parts.forEach(function (words) {
        var speech = new SpeechSynthesisUtterance(words);
        speech.lang = voice.lang;
        speech.voice = voice;
        speech.rate = 0.9;
        speech.onend = speech.onerror = function () { left -= 1; if (left === 0) paint(false); };
        synth.speak(speech);
      });
    });
  }
  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest("[data-read-aloud]");
    if (!button) return;
    var on = button.getAttribute("aria-pressed") !== "true";
    remember(on);
    if (on) read(true); else stop();
  });
  document.addEventListener("DOMContentLoaded", function () {
    // Whoever asked for it once is read to on the next page too, but never into an open microphone.
    if (wanted() && !document.querySelector("[data-screen=session]")) read(false);
  });
  window.addEventListener("pagehide", function () { if (synth) synth.cancel(); });
  window.addEventListener("offline", function () { show("offline", OFFLINE); announce(OFFLINE, true); });
  window.addEventListener("online", function () { show("offline", ""); announce(say("网络已恢复")); });
})();
