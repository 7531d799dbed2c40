// The checkout within a merchant's page: it tells that page where it stands and how
// high it is, and opens the bank's page in a window of its own. What it tells is no
// secret, and goes to the one origin whose frame this is.
(() => {
  "use strict";
  const { parent: origin, session, state, shownStatus, shownOutcome, refused } = document.body.dataset;
  const ended = ["succeeded", "expired", "cancelled", "failed"].includes(state);
  let bank = null; // the window with the bank's page

  if (!origin) closeWindow();
  else if (parent !== window) live();

  // closeWindow ends the window in which the customer was at their bank's. Browsers
  // close only what a script has opened.
  function closeWindow() {
    if (ended || state === "declined") setTimeout(() => close(), 3000);
  }

  function live() {
    const height = () => Math.ceil(document.body.getBoundingClientRect().height);
    const send = (type, more) => parent.postMessage({ tender: 1, type, session_id: session, height: height(), ...more }, origin);
    send("state", { state, status: shownStatus || "", payment_outcome: shownOutcome || "", code: refused });
    new ResizeObserver(() => send("resize")).observe(document.body);
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) send("close");
    });
    addEventListener("message", (event) => {
      if (event.source !== parent || event.origin !== origin || !event.data || event.data.tender !== 1) return;
      const form = document.getElementById("pay");
      if (event.data.type === "submit" && form) form.requestSubmit();
    });
    for (const link of document.querySelectorAll("a[href^=http]")) {
      if (link.origin === location.origin) continue;
      link.target = "_blank";
      link.rel = "noreferrer";
    }
    const first = document.querySelector("[data-focus]"), next = document.getElementById("next");
    if (first && document.hasFocus()) first.focus();
    if (next) next.addEventListener("click", visit);
    // What the bank was asked has ended. It has not where the shop's page is closed: the
    // window shows what comes of it.
    for (const end of ["moved", "submit"]) document.addEventListener(end, () => { if (bank) bank.close(); });
  }

  // visit opens the bank's page in a window beside the shop, which stays. The bank can't
  // reach back. Where no window may be opened the link opens a tab.
  function visit(event) {
    if (bank && !bank.closed) {
      event.preventDefault();
      bank.focus();
      return;
    }
    bank = open("", "", "popup,width=480,height=760");
    if (!bank) return;
    event.preventDefault();
    bank.opener = null;
    bank.location.replace(event.currentTarget.href);
    const timer = setInterval(() => {
      document.dispatchEvent(new Event("look"));
      if (bank.closed) clearInterval(timer);
    }, 1500);
  }
})();
