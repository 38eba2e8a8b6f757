// The secret stands in the fragment of the address, which no server sees by itself: it goes into the form and out of the bar.
const field = document.querySelector("[data-court] [name=secret]");
const secret = decodeURIComponent(location.hash.slice(1));
if (field && secret) {
  field.value = secret;
  history.replaceState(null, "", location.pathname);
}
