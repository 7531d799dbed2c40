"use strict";
(() => {
  const { documentElement: root, body } = document;
  root.classList.add("js");

  // Times, in the reader's own zone.
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
  const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const tell = (within) => {
    for (const time of within.querySelectorAll("time[datetime]")) {
      const form = time.closest(".wire") ? clock : date;
      time.textContent = form.format(new Date(time.dateTime));
    }
  };

  // What a page shows is taken over from a newer one, part by part: what the reader
  // has opened stays open, and where they are they stay.
  const heard = document.getElementById("heard");
  const shown = new Map(); // parts, as the server sent them
  for (const part of document.querySelectorAll("[data-part]")) shown.set(part.dataset.part, part.innerHTML);
  const takeParts = (fresh) => {
    for (const part of document.querySelectorAll("[data-part]")) {
      const newer = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!newer || newer.innerHTML === shown.get(part.dataset.part)) continue;
      shown.set(part.dataset.part, newer.innerHTML);
      tell(newer);
      const focus = part.contains(document.activeElement) ? document.activeElement.id : "";
      const opened = [...part.querySelectorAll("details[open]")].map((d) => d.id || d.parentElement.id).filter(Boolean);
      part.replaceChildren(...newer.childNodes);
      for (const id of opened) {
        const at = document.getElementById(id);
        const details = at?.matches("details") ? at : at?.querySelector("details");
        if (details) details.open = true;
      }
      if (focus) (document.getElementById(focus) ?? document.getElementById("main")).focus({ preventScroll: true });
    }
  };
  const takeEntries = (fresh) => {
    const wire = document.querySelector(".rear .wire");
    if (!wire) return;
    const talk = wire.closest(".talk");
    const atEnd = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
    let said = "";
    for (const newer of fresh.querySelectorAll(".rear .wire > li")) {
      const old = document.getElementById(newer.id);
      if (old && old.dataset.revision === newer.dataset.revision) continue;
      tell(newer);
      if (!old) {
        newer.classList.add("fresh");
        wire.append(newer);
        const what = newer.querySelector(".what");
        if (what) said = (newer.matches(".hook") ? "Webhook: " : "Call: ") + what.textContent;
        continue;
      }
      const open = old.querySelector("details")?.open;
      const focused = old.contains(document.activeElement);
      old.replaceWith(newer);
      if (open) newer.querySelector("details").open = true;
      if (focused) newer.querySelector("summary").focus({ preventScroll: true });
    }
    if (said) heard.textContent = said;
    if (atEnd) talk.scrollTop = talk.scrollHeight;
  };
  const take = (html) => {
    // From the body on: the head's style has a nonce that isn't this page's.
    const fresh = new DOMParser().parseFromString(html.slice(html.indexOf("<body")), "text/html");
    if (!fresh.body.dataset.revision) return false;
    if (fresh.body.dataset.opened !== body.dataset.opened) location.reload(); // tender dev was started again
    body.dataset.revision = fresh.body.dataset.revision;
    takeParts(fresh);
    takeEntries(fresh);
    return true;
  };

  // One look at a time; a change meanwhile asks for another.
  let looking = false, again = false;
  const look = async () => {
    if (looking) { again = true; return; }
    looking = true;
    try {
      const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
      if (answer.ok) take(await answer.text());
    } catch { /* the next word of change, or the next look, tries again */ }
    looking = false;
    if (again) { again = false; look(); }
  };

  // The server says when there is something new. Where it can't, the page looks by
  // itself. A page that nobody sees does neither.
  const pollMs = 2000;
  let stream, poll;
  const listen = () => {
    if (!body.dataset.live || document.hidden || stream) return;
    stream = new EventSource(body.dataset.live);
    stream.onopen = () => { root.classList.add("listening"); clearInterval(poll); };
    stream.onmessage = (e) => { if (e.data !== `${body.dataset.opened} ${body.dataset.revision}`) look(); };
    stream.onerror = () => {
      root.classList.remove("listening");
      clearInterval(poll);
      poll = setInterval(look, pollMs);
    };
  };
  const rest = () => {
    stream?.close();
    stream = undefined;
    clearInterval(poll);
    root.classList.remove("listening");
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : (listen(), look())));
  addEventListener("pagehide", rest);
  addEventListener("pageshow", (e) => { if (e.persisted) { listen(); look(); } });

  // A step's button stays on the page, so that the answer comes in beside it.
  document.addEventListener("submit", async (e) => {
    const form = e.target, button = e.submitter;
    if (!form.closest(".story")) return;
    e.preventDefault();
    if (button.getAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      if (!answer.ok || !take(await answer.text())) throw new Error(String(answer.status));
      if (document.activeElement === body || document.activeElement.id === "main") {
        document.querySelector("[aria-current=step] .button")?.focus({ preventScroll: true });
      }
    } catch {
      location.reload();
    }
    button.removeAttribute("aria-disabled");
  });

  document.addEventListener("click", async (e) => {
    const button = e.target.closest("[data-copy]");
    if (!button) return;
    const says = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
      heard.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed";
    }
    setTimeout(() => { button.textContent = says; }, 1600);
  });

  tell(document);
  listen();
  const talk = document.querySelector(".talk");
  if (talk) talk.scrollTop = talk.scrollHeight;
})();
