// Lets a page follow what changes. All works without it: then the page is loaded again.
"use strict";

const live = document.querySelector("[data-live]");
if (live) follow(live, Number(live.dataset.live) * 1000);

const log = document.querySelector("[data-log]");
if (log) listen(log);

for (const form of document.querySelectorAll("form[method=post]")) {
  // A second click asks for nothing: the button rests until another page is shown.
  form.addEventListener("submit", () => setTimeout(() => form.querySelectorAll("button").forEach((button) => { button.disabled = true; })));
}
addEventListener("pageshow", () => document.querySelectorAll("button").forEach((button) => { button.disabled = false; }));

// Puts what is new in the place of what was, and loads the whole page when what was waited for is over.
async function follow(part, pause) {
  for (;;) {
    await new Promise((done) => setTimeout(done, pause));
    if (document.hidden) continue;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" }).catch(() => null);
    if (!answer?.ok) continue;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(part.id);
    if (!fresh || ("untilOver" in part.dataset && !("untilOver" in fresh.dataset))) return location.reload();
    if (fresh.innerHTML !== part.dataset.shown && !part.contains(document.activeElement)) {
      part.dataset.shown = fresh.innerHTML;
      part.replaceChildren(...fresh.childNodes);
    }
  }
}

function listen(place) {
  const events = new EventSource(place.dataset.log);
  events.addEventListener("log", (event) => {
    const isAtEnd = place.scrollTop + place.clientHeight >= place.scrollHeight - 8;
    place.append(JSON.parse(event.data).text);
    if (isAtEnd) place.scrollTop = place.scrollHeight;
  });
  events.addEventListener("end", () => events.close());
}
