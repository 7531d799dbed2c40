// Makes the page more comfortable; it works without. Nothing here decides
// anything: the server checks every card again.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const digitsOf = (text) => text.replace(/\D/g, "");
  const page = document.body.dataset;
  const form = byId("pay");
  const { number, exp, cvc, name, accept_mandate: accept } = form ? form.elements : {};
  // The saved cards and the choice of another one; none where there are none.
  const choices = form ? [...form.querySelectorAll("input[type=radio]")] : [];
  // A range is [scheme, from, to, lengths, CVC digits].
  const ranges = form ? JSON.parse(number.dataset.ranges) : [];
  const cameBack = (performance.getEntriesByType("navigation")[0] || {}).type === "back_forward";
  let leaving = false; // a form or a page is on its way: nothing may cut it off

  document.body.classList.add("js");
  addEventListener("pageshow", (event) => { if (event.persisted) leaving = false; });
  showLocalTimes();
  if (form) setUpForm();
  setUpCancel();
  leadOn();
  follow();

  // Instants in the customer's own zone.
  function showLocalTimes() {
    const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
    for (const time of document.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (!isNaN(at)) time.textContent = format.format(at);
    }
  }

  // --- The card, as it is typed ---

  // The first range that fits counts.
  function rangeOf(digits) {
    return ranges.find(([, from, to]) => {
      const head = digits.slice(0, from.length);
      return head.length === from.length && head >= from && head <= to;
    });
  }

  function luhn(digits) {
    let sum = 0;
    for (let i = 0; i < digits.length; i++) {
      let d = +digits[digits.length - 1 - i];
      if (i % 2 && (d *= 2) > 9) d -= 9;
      sum += d;
    }
    return sum % 10 === 0;
  }

  // rewrite puts text into an input and leaves the caret behind the same digit.
  function rewrite(input, text) {
    if (input.value === text) return;
    const caret = input.selectionStart;
    const atEnd = caret === input.value.length;
    let before = digitsOf(input.value.slice(0, caret)).length;
    input.value = text;
    if (atEnd) return;
    let i = 0;
    while (before > 0 && i < text.length) if (/\d/.test(text[i++])) before--;
    input.setSelectionRange(i, i);
  }

  function formatNumber() {
    if (/[^\d\s.-]/.test(number.value)) return; // a mistake is named, not swallowed
    let digits = digitsOf(number.value);
    const range = rangeOf(digits);
    const longest = range ? Math.max(...range[3]) : 19;
    if (range) digits = digits.slice(0, longest);
    const groups = [];
    let at = 0;
    for (const size of longest === 15 ? [4, 6, 5] : [4, 4, 4, 4, 3]) {
      if (at < digits.length) groups.push(digits.slice(at, at + size));
      at += size;
    }
    if (at < digits.length) groups.push(digits.slice(at));
    rewrite(number, groups.join(" "));
    showScheme(range);
  }

  function put(element, text) { if (element.textContent !== text) element.textContent = text; }

  function showScheme(range) {
    put(byId("scheme"), range ? range[0] : "");
    showCVCHint();
  }

  function showCVCHint() {
    const hint = byId("cvc-hint"), digits = cvcDigits();
    put(hint, !digits ? hint.dataset.any : digits === 4 ? hint.dataset.four : hint.dataset.three);
  }

  // saved is the saved card that is chosen, or nothing.
  function saved() { return choices.find((choice) => choice.checked && "saved" in choice.dataset); }

  // cvcDigits is how many digits the security code has, 0 while that is not known.
  function cvcDigits() {
    const one = saved(), range = rangeOf(digitsOf(number.value));
    return one ? +one.dataset.cvc : range ? range[4] : 0;
  }

  // asked are the inputs that the page asks for now.
  function asked() {
    const card = !saved() ? [number, exp, cvc, name] : cvc.offsetParent ? [cvc] : [];
    return accept ? [...card, accept] : card;
  }

  function choose() {
    form.classList.toggle("by-saved", !!saved());
    showCVCHint();
    for (const input of [number, exp, cvc, name]) show(input, "");
  }

  // parseExp reads what the server reads: MM/YY, MMYY, MM/YYYY, MMYYYY, YYYY-MM.
  function parseExp(text) {
    const yearFirst = text.match(/^\s*(\d{4})\s*[-\/.\s]\s*(\d{1,2})\s*$/);
    if (yearFirst) return [+yearFirst[2], +yearFirst[1]];
    const m = text.match(/^\s*(\d{1,2})\s*[-\/.\s]\s*(\d{4}|\d{2})\s*$/) ||
      text.match(/^\s*(\d{2})(\d{4}|\d{2})\s*$/) || text.match(/^\s*(\d)(\d{2})\s*$/);
    return m && [+m[1], m[2].length === 2 ? 2000 + +m[2] : +m[2]];
  }

  function formatExp(event) {
    const two = (n) => String(n % 100).padStart(2, "0");
    const date = parseExp(exp.value);
    if (date && /\d{4}/.test(exp.value) && digitsOf(exp.value).length >= 5) {
      rewrite(exp, two(date[0]) + " / " + two(date[1]));
      return;
    }
    const deleting = event.inputType && !event.inputType.startsWith("insert");
    if (deleting || /[^\d\s\/.-]/.test(exp.value)) return;
    let digits = digitsOf(exp.value);
    if (/^[2-9]/.test(digits) || /^\d\s*[\/.-]/.test(exp.value)) digits = "0" + digits;
    const year = digits.slice(2).startsWith("20") ? 4 : 2; // 2030 on its way to 30
    rewrite(exp, digits.length < 2 ? digits : digits.slice(0, 2) + " / " + digits.slice(2, 2 + year));
  }

  // --- What is wrong with a field, in the page's words; "" for nothing ---

  const checks = {
    number() {
      const digits = digitsOf(number.value), range = rangeOf(digits), says = number.dataset;
      if (!number.value.trim()) return says.required;
      if (digits.length < 12) return says.length;
      if (!range) return says.unknown;
      if (!range[3].includes(digits.length)) return says.length;
      return luhn(digits) ? "" : says.check;
    },
    exp() {
      const date = parseExp(exp.value), says = exp.dataset;
      if (!exp.value.trim()) return says.required;
      if (!date || date[0] < 1 || date[0] > 12) return says.invalid;
      const today = new Date(Date.now() - 12 * 3600e3); // as the server: until the month is over everywhere
      const months = (date[1] - today.getUTCFullYear()) * 12 + date[0] - 1 - today.getUTCMonth();
      return months < 0 ? says.expired : "";
    },
    cvc() {
      const digits = cvcDigits(), length = cvc.value.trim().length, says = cvc.dataset;
      if (!length) return says.required;
      const fits = digits ? length === digits : length === 3 || length === 4;
      return fits && /^\s*\d+\s*$/.test(cvc.value) ? "" : says.length;
    },
    name: () => "",
    accept_mandate: () => (accept.checked ? "" : accept.dataset.required),
  };

  function show(input, text) {
    byId(input.id + "-error").textContent = text;
    input.closest(".field").classList.toggle("field-wrong", text !== "");
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }

  function showSummary(wrong) {
    const summary = byId("problems");
    summary.querySelector("ul").replaceChildren(...wrong.map(([input, text]) => {
      const item = document.createElement("li"), link = document.createElement("a");
      link.href = "#" + input.id;
      link.textContent = text;
      item.append(link);
      return item;
    }));
    summary.hidden = wrong.length === 0;
    if (wrong.length) summary.focus();
  }

  // --- The form ---

  function setUpForm() {
    number.addEventListener("input", formatNumber);
    exp.addEventListener("input", formatExp);
    cvc.addEventListener("input", () => rewrite(cvc, digitsOf(cvc.value).slice(0, 4)));
    for (const input of [number, exp, cvc, name]) {
      // Only on the way to another field: a text that appears under a press would
      // move the button away from it.
      input.addEventListener("blur", (event) => {
        if (input.value && event.relatedTarget && event.relatedTarget.type === "text") show(input, checks[input.id]());
      });
      input.addEventListener("input", () => {
        if (input.hasAttribute("aria-invalid") && !checks[input.id]()) show(input, "");
      });
    }
    if (accept) accept.addEventListener("change", () => { if (accept.checked) show(accept, ""); });
    for (const choice of choices) choice.addEventListener("change", choose);
    byId("problems").addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (!link) return;
      event.preventDefault();
      byId(link.hash.slice(1)).focus();
    });
    form.addEventListener("submit", submit);
    const idle = byId("submit-text").textContent;
    addEventListener("pageshow", (event) => { if (event.persisted) busy(false, idle); });
    for (const button of document.querySelectorAll("[data-fill]")) {
      button.addEventListener("click", () => fill(button.dataset.fill));
    }
    if (number.value) formatNumber();
    if (saved()) {
      form.classList.add("by-saved");
      showCVCHint();
    }
  }

  // submit lets the form go once, and only without mistakes: what was typed as
  // number and code is lost with the page.
  function submit(event) {
    if (leaving) return event.preventDefault();
    const wrong = [];
    for (const input of asked()) {
      const text = checks[input.id]();
      show(input, text);
      if (text) wrong.push([input, text]);
    }
    showSummary(wrong);
    if (wrong.length) return event.preventDefault();
    busy(true, byId("submit").dataset.busy);
  }

  function busy(is, text) {
    leaving = is;
    byId("submit").setAttribute("aria-disabled", is);
    byId("submit-text").textContent = text;
  }

  // fill enters a test card.
  function fill(card) {
    for (const choice of choices) choice.checked = !("saved" in choice.dataset);
    if (choices.length) choose();
    number.value = card;
    exp.value = "12 / " + String((new Date().getFullYear() + 3) % 100).padStart(2, "0");
    cvc.value = "123";
    formatNumber();
    for (const input of [number, exp, cvc]) show(input, "");
    showSummary([]);
    byId("submit").focus();
  }

  function setUpCancel() {
    const cancel = byId("cancel");
    if (!cancel) return;
    cancel.addEventListener("submit", (event) => {
      if (leaving) return event.preventDefault();
      leaving = true;
    });
  }

  // --- Going on by itself: to the bank at once, to the merchant after a countdown
  // that can be stopped. Never for those who came back on purpose. ---

  function leadOn() {
    const next = byId("next"), soon = byId("soon");
    if (next && next.dataset.leadOn && !cameBack) {
      leaving = true;
      location.replace(next.href);
    }
    if (!soon) return;
    if (cameBack) soon.hidden = true;
    else countDown(soon);
  }

  function countDown(soon) {
    let left = +soon.dataset.leadOn;
    const timer = setInterval(() => {
      left--;
      if (left > 0) {
        soon.firstChild.data = soon.dataset.leadText.replace("{seconds}", left) + " ";
        return;
      }
      clearInterval(timer);
      location.assign(byId("back").href);
    }, 1000);
    byId("stay").addEventListener("click", (event) => {
      event.preventDefault();
      clearInterval(timer);
      byId("back").focus();
      soon.hidden = true;
    });
  }

  // --- Moving on when the state does: a second tab, an approval elsewhere, a late
  // answer ---

  function follow() {
    const paces = { processing: [1500, 10000], redirecting: [3000, 15000], form: [10000, 30000], declined: [10000, 30000] };
    const pace = paces[page.state];
    if (!page.poll || !pace) return;
    // Back from the bank before its word came: if none comes, it is the bank's turn again.
    if (page.state === "processing" && page.shownNext) setTimeout(moveOn, 8000);
    poll(pace[0], pace[1], 500);
  }

  function poll(wait, longest, left) {
    if (left === 0) return;
    setTimeout(async () => {
      if (leaving) return;
      if (!document.hidden && (await moved().catch(() => false))) {
        moveOn();
        return;
      }
      poll(Math.min(wait * 1.2, longest), longest, left - 1);
    }, wait);
  }

  async function moved() {
    const answer = await fetch(page.poll, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (!answer.ok) return false;
    const now = await answer.json();
    return (now.status || "") !== page.shownStatus ||
      (now.payment_outcome || "") !== page.shownOutcome ||
      ((now.last_payment_error || {}).timestamp || "") !== page.shownErrorAt ||
      ((now.next_action || {}).url || "") !== page.shownNext;
  }

  // moveOn shows the new state, but never throws away what somebody is typing.
  function moveOn() {
    if (leaving) return;
    const touched = (input) => input.value !== input.defaultValue || input.checked !== input.defaultChecked;
    if (form && [number, exp, cvc, accept, ...choices].some((input) => input && touched(input))) {
      byId("moved").hidden = false;
      return;
    }
    leaving = true;
    location.replace(page.page);
  }
})();
