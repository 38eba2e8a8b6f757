// Large type (大字版), remembered. A classic script in the head, so that the page never jumps.
(function () {
  var KEY = "lianxin.type";
  var node = document.getElementById("sentences"), said = node ? JSON.parse(node.textContent) : {};
  // For classic scripts, as translate.js for modules.
  var say = window.lianxinSay = function (text) { return Object.prototype.hasOwnProperty.call(said, text) ? said[text] : text; };
  function wanted() {
    try { return localStorage.getItem(KEY) === "large"; } catch (error) { return false; }
  }
  function apply(large) {
    document.documentElement.classList.toggle("large-type", large);
    var buttons = document.querySelectorAll("[data-large-type]");
    for (var i = 0; i < buttons.length; i += 1) {
      buttons[i].setAttribute("aria-pressed", String(large));
      buttons[i].textContent = say(large ? "标准字" : "大字版");
    }
  }
  apply(wanted());
  document.addEventListener("DOMContentLoaded", function () { apply(wanted()); });
  document.addEventListener("click", function (event) {
    if (!event.target.closest || !event.target.closest("[data-large-type]")) return;
    var large = !document.documentElement.classList.contains("large-type");
    try { localStorage.setItem(KEY, large ? "large" : "standard"); } catch (error) { /* Private mode: for this page only. */ }
    apply(large);
  });
})();
