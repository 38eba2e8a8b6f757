// A heading or a button of two lines breaks between words: browsers break Chinese between any two signs. A classic script.
(function () {
  if (!window.Intl || !Intl.Segmenter || !window.MutationObserver || !/^zh/.test(document.documentElement.lang)) return;
  var segmenter = new Intl.Segmenter("zh", { granularity: "word" });
  var OURS = /(摄像头|麦克风|验证码|查询码|二维码|工作人员|录音录像|信访人|信访部门|区县|接访|笔录|选填|代理人|政务服务网)/;  // No browser's dictionary has them all.
  var SHORT = 6;
  // A day or a time of day is one thing: 12月9 with 日 in the next line is read as another day.
  var WHOLE = /(?:\d{4}年)?\d{1,2}月\d{1,2}日|星期[一二三四五六日]|[上中下]午 ?\d{1,2}:\d{2}(?:[–-]\d{1,2}:\d{2})?/g;
  function wordsOf(text) {
    var words = [];
    text.split(OURS).forEach(function (part) {
      if (OURS.test(part)) words.push({ segment: part, isWordLike: true });
      else words.push.apply(words, Array.from(segmenter.segment(part)));
    });
    return words;
  }
  /** Short sentences whole, else words with the stops after them; a number stays with what it counts. */
  function piecesOf(text) {
    var sentences = text.match(/[^，]+，?/g) || [], pieces = [];
    if (sentences.length > 1 && sentences.every(function (one) { return one.length <= SHORT; })) return sentences;
    wordsOf(text).forEach(function (one) {
      var last = pieces.length - 1;
      if (last >= 0 && ((!one.isWordLike && !/^[「（]/.test(one.segment)) || /[\d「（]\s*$/.test(pieces[last]))) pieces[last] += one.segment;
      else pieces.push(one.segment);
    });
    return pieces;
  }
  /** The words of a heading; of a label with a hint, or of an error, what is not the hint. */
  function textOf(place) {
    var found = [];
    place.childNodes.forEach(function (node) { if (node.nodeType === Node.TEXT_NODE && node.data.trim()) found.push(node); });
    return found.length === 1 ? found[0] : null;
  }
  function arrange(heading) {
    var only = textOf(heading.querySelector("label") || heading);
    if (!only || only.parentNode.querySelector(":scope > .words")) return;
    var words = document.createElement("span");
    words.className = "words";
    piecesOf(only.data).forEach(function (piece, index) {
      if (index) words.append(document.createElement("wbr"));
      var together = /\d\s+\S/.test(piece) && document.createElement("span");
      if (together) together.className = "nowrap";
      words.append(together || piece);
      if (together) together.append(piece);
    });
    only.replaceWith(words);
  }
  function keepWhole(text) {
    var last = 0, parts = [];
    text.data.replace(WHOLE, function (found, at) {
      var whole = document.createElement("span");
      whole.className = "whole";
      whole.append(found);
      parts.push(text.data.slice(last, at), whole);
      last = at + found.length;
    });
    if (last) text.replaceWith.apply(text, parts.concat(text.data.slice(last)));
  }
  var BROKEN = "h1, h2, h3, legend, .field > label, .tick label, .field-error, .error-summary a, .page .button, .page summary";
  document.querySelectorAll(BROKEN).forEach(function (heading) {
    arrange(heading);
    new MutationObserver(function () { arrange(heading); }).observe(heading, { childList: true });
  });
  var walker = document.createTreeWalker(document.querySelector("main") || document.body, NodeFilter.SHOW_TEXT), dated = [];
  while (walker.nextNode()) if (/\d[月:]\d|星期/.test(walker.currentNode.data) && !walker.currentNode.parentNode.closest("script, style, textarea, option, .words")) dated.push(walker.currentNode);
  dated.forEach(keepWhole);
})();
