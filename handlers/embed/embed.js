// Tender in a page: shows a session's checkout in a dialog over the page, or within it.
//
//   const checkout = Tender.open({ clientToken, container, onSuccess, onFailure, onExpired, onCancel });
//
// One of the callbacks is called, once. Believe the webhook, not the callback: what a
// browser says, its owner can make it say.
(() => {
  "use strict";
  const version = 1; // of the messages between the frame and the page
  const origin = "{{origin}}";
  // Milliseconds until a frame that says nothing has failed: in all, and once it is there.
  const loadMax = 20000, silenceMax = 3000;
  const words = {
    en: { title: "Payment", close: "Close" },
    fr: { title: "Paiement", close: "Fermer" },
  };

  function open(options) {
    const { clientToken, container } = options;
    const presentation = presentationOf(clientToken);
    const texts = words[(document.documentElement.lang || "en").slice(0, 2)] || words.en;
    if (!/^https?:/.test(location.origin)) throw new Error("Tender.open: the page must be served over http or https");
    const frame = frameOf(clientToken, texts);
    const place = presentation === "embedded_modal" ? dialogOf(frame, texts, dismissed) : inlineOf(frame, container);
    let sessionId = "", outcome = "not_started", waiting = false, heard = false, told = false, closed = false;

    const mute = () => tell("onFailure", "", "not_loaded");
    let timer = setTimeout(mute, loadMax);
    // A page that the browser refuses to show here loads, too, and says nothing.
    frame.addEventListener("load", () => {
      clearTimeout(timer);
      if (!heard) timer = setTimeout(mute, silenceMax);
    });
    addEventListener("message", hear);
    place.show();

    // tell calls the callback that says how it ended; the first one only.
    function tell(name, status, code) {
      clearTimeout(timer);
      if (told) return;
      told = true;
      const result = { sessionId, status, paymentOutcome: outcome };
      if (code) result.code = code;
      if (typeof options[name] === "function") options[name](result);
    }

    // hear takes what the frame says; nothing else that comes by is meant for us.
    function hear(event) {
      const m = event.data;
      if (event.source !== frame.contentWindow || event.origin !== origin || !m || m.tender !== version) return;
      if (m.height > 0) frame.style.height = Math.min(m.height, 20000) + "px";
      if (m.type === "close") dismissed();
      if (m.type === "state") arrive(m);
    }

    function arrive(m) {
      clearTimeout(timer);
      heard = true;
      sessionId = m.session_id;
      outcome = m.payment_outcome || outcome;
      waiting = m.state === "processing" || m.state === "redirecting" || m.state === "approving";
      place.locked = m.state === "processing";
      const ends = { succeeded: ["onSuccess", "completed"], expired: ["onExpired", "expired"], cancelled: ["onCancel", "cancelled"], failed: ["onFailure", "expired"] };
      if (ends[m.state]) tell(ends[m.state][0], ends[m.state][1], m.state === "failed" ? "no_attempts_left" : "");
      else if (m.code) tell("onFailure", "", m.code);
    }

    // dismissed: the customer has put the dialog away. The session stays as it is, and
    // an attempt that is under way comes to its end without them.
    function dismissed() {
      if (closed || !place.dismissible || place.locked) return;
      close();
      tell("onCancel", "active", waiting ? "attempt_in_progress" : "");
    }

    function close() {
      if (closed) return;
      closed = true;
      clearTimeout(timer);
      removeEventListener("message", hear);
      place.remove();
    }

    function submit() {
      if (!closed) frame.contentWindow.postMessage({ tender: version, type: "submit" }, origin);
    }
    return { close, submit };
  }

  // presentationOf reads a token's content. Whether it is genuine the server says.
  function presentationOf(token) {
    try {
      const content = token.replace(/^ct_/, "").split(".")[0].replace(/-/g, "+").replace(/_/g, "/");
      const { presentation } = JSON.parse(atob(content));
      if (presentation === "embedded_modal" || presentation === "embedded_inline") return presentation;
    } catch (error) { /* it is none */ }
    throw new TypeError("Tender.open: clientToken must be the client_token of an embedded payment session");
  }

  function frameOf(token, texts) {
    const frame = document.createElement("iframe");
    frame.src = origin + "/embed/" + encodeURIComponent(token) + "?parent=" + encodeURIComponent(location.origin);
    frame.title = texts.title;
    frame.referrerPolicy = "no-referrer";
    Object.assign(frame.style, { display: "block", width: "100%", height: "30rem", border: "0", colorScheme: "light dark" });
    return frame;
  }

  function inlineOf(frame, container) {
    const parent = typeof container === "string" ? document.querySelector(container) : container;
    if (!(parent instanceof Element)) throw new TypeError("Tender.open: an embedded_inline session needs a container, an element or a selector");
    return { dismissible: false, locked: false, show: () => parent.append(frame), remove: () => frame.remove() };
  }

  // dialogOf makes the dialog. The element brings what a dialog needs: the page behind
  // it is inert, focus stays inside and comes back, Escape cancels. Styles are set one
  // by one, which every Content-Security-Policy allows.
  function dialogOf(frame, texts, dismissed) {
    const dialog = document.createElement("dialog"), box = document.createElement("div"), button = document.createElement("button");
    dialog.setAttribute("aria-label", texts.title);
    dialog.setAttribute("aria-modal", "true");
    Object.assign(dialog.style, {
      boxSizing: "border-box", width: "100vw", maxWidth: "none", height: "100dvh", maxHeight: "none", margin: "0", border: "0", overflow: "auto",
      padding: "max(1rem, env(safe-area-inset-top)) .75rem 1rem", background: "rgb(15 20 18 / .62)", color: "inherit",
    });
    Object.assign(box.style, {
      position: "relative", width: "100%", maxWidth: "30rem", margin: "2.75rem auto 0", borderRadius: "1rem",
      background: "Canvas", colorScheme: "light dark", boxShadow: "0 24px 64px -16px rgb(0 0 0 / .5)",
    });
    Object.assign(frame.style, { borderRadius: "1rem" });
    button.type = "button";
    button.setAttribute("aria-label", texts.close);
    button.textContent = "\u00d7";
    Object.assign(button.style, {
      position: "absolute", top: "-2.75rem", insetInlineEnd: "0", width: "2.5rem", height: "2.5rem", padding: "0", border: "0", borderRadius: "50%",
      font: "1.5rem/1 system-ui, sans-serif", color: "#fff", background: "rgb(0 0 0 / .55)", cursor: "pointer",
    });
    box.append(button, frame);
    dialog.append(box);
    const place = { dismissible: true, locked: false };
    const always = () => {
      place.locked = false;
      dismissed();
    };
    button.addEventListener("click", always);
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      dismissed();
    });
    dialog.addEventListener("close", always);
    const root = document.documentElement, overflow = root.style.overflow;
    place.show = () => {
      document.body.append(dialog);
      dialog.showModal();
      root.style.overflow = "hidden"; // the page behind stays where it is
    };
    place.remove = () => {
      if (dialog.open) dialog.close(); // gives the focus back
      dialog.remove();
      root.style.overflow = overflow;
    };
    return place;
  }

  window.Tender = Object.freeze({ open, version });
})();
