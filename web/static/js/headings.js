// A heading or a button of two lines breaks between words: browsers break Chinese between any two signs. A classic script.
(function () {
  if (!window.Intl || !Intl.Segmenter || !window.MutationObserver || !/^zh/.test(document.documentElement.lang)) return;
  var segmenter = new Intl.Segmenter("zh", { granularity: "word" });
  var OURS = /(摄像头|麦克风|验证码|二维码|工作人员|录音录像|信访人|接访|笔录|政务服务网)/;  // No browser's dictionary has them all.
  var SHORT = 6;
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
      if (last >= 0 && (!one.isWordLike || /[\d「（]\s*$/.test(pieces[last]))) pieces[last] += one.segment;
      else pieces.push(one.segment);
    });
    return pieces;
  }
  function arrange(heading) {
    var place = heading.querySelector("label") || heading, only = place.firstChild;
    if (place.childNodes.length !== 1 || only.nodeType !== Node.TEXT_NODE) return;
    var words = document.createElement("span");
    words.className = "words";
    piecesOf(only.data).forEach(function (piece, index) {
      if (index) words.append(document.createElement("wbr"));
      var together = /\d\s+\S/.test(piece) && document.createElement("span");
      if (together) together.className = "nowrap";
      words.append(together || piece);
      if (together) together.append(piece);
    });
    place.replaceChildren(words);
  }
  document.querySelectorAll("h1, .page .button").forEach(function (heading) {
    arrange(heading);
    new MutationObserver(function () { arrange(heading); }).observe(heading, { childList: true });
  });
})();
