// Makes the page more comfortable; it works without. Nothing here decides
// anything: the server checks every card again.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const page = document.body.dataset;
  const cameBack = (performance.getEntriesByType("navigation")[0] || {}).type === "back_forward";
  let leaving = false; // a form is on its way: no reload may cut it off
  document.body.classList.add("js");

  const digitsOf = (s) => s.replace(/\D/g, "");

  // Instants in the customer's own zone.
  for (const t of document.querySelectorAll("time[datetime]")) {
    const at = new Date(t.dateTime);
    if (!isNaN(at)) {
      t.textContent = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" }).format(at);
    }
  }

  const form = byId("pay");
  if (form) setUpForm();

  function setUpForm() {
    const { number, exp, cvc, name } = form.elements;
    const ranges = JSON.parse(number.dataset.ranges);
    const button = byId("submit"), label = byId("submit-text"), idle = label.textContent;
    const summary = byId("problems");

    // A range is [scheme, from, to, lengths, CVC digits]; the first that fits counts.
    const rangeOf = (digits) => ranges.find(([, from, to]) => {
      const head = digits.slice(0, from.length);
      return head.length === from.length && head >= from && head <= to;
    });

    const luhn = (digits) => {
      let sum = 0;
      for (let i = 0; i < digits.length; i++) {
        let d = +digits[digits.length - 1 - i];
        if (i % 2 && (d *= 2) > 9) d -= 9;
        sum += d;
      }
      return sum % 10 === 0;
    };

    const groupsOf = (range) => {
      const longest = range ? range[3][range[3].length - 1] : 19;
      if (longest === 15) return [4, 6, 5];
      return [4, 4, 4, 4, 3];
    };

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
      if (/[^\d\s.-]/.test(number.value)) return;
      let digits = digitsOf(number.value);
      const range = rangeOf(digits);
      if (range) digits = digits.slice(0, Math.max(...range[3]));
      const groups = [];
      let at = 0;
      for (const n of groupsOf(range)) {
        if (at < digits.length) groups.push(digits.slice(at, at + n));
        at += n;
      }
      if (at < digits.length) groups.push(digits.slice(at));
      rewrite(number, groups.join(" "));
      const scheme = range ? range[0] : "";
      if (byId("scheme").textContent !== scheme) byId("scheme").textContent = scheme;
      const hint = byId("cvc-hint");
      const text = !range ? hint.dataset.any : range[4] === 4 ? hint.dataset.four : hint.dataset.three;
      if (hint.textContent !== text) hint.textContent = text;
    }

    // parseExp reads what the server reads: MM/YY, MMYY, MM/YYYY, MMYYYY, YYYY-MM.
    function parseExp(s) {
      let m = s.match(/^\s*(\d{4})\s*[-\/.\s]\s*(\d{1,2})\s*$/);
      if (m) return [+m[2], +m[1]];
      m = s.match(/^\s*(\d{1,2})\s*[-\/.\s]\s*(\d{4}|\d{2})\s*$/) || s.match(/^\s*(\d{2})(\d{4}|\d{2})\s*$/) || s.match(/^\s*(\d)(\d{2})\s*$/);
      return m && [+m[1], m[2].length === 2 ? 2000 + +m[2] : +m[2]];
    }

    function formatExp(event) {
      const typing = !event || !event.inputType || event.inputType.startsWith("insert");
      const whole = parseExp(exp.value);
      if (whole && (/\d{4}/.test(exp.value) && digitsOf(exp.value).length >= 5)) {
        rewrite(exp, String(whole[0]).padStart(2, "0") + " / " + String(whole[1] % 100).padStart(2, "0"));
        return;
      }
      if (!typing || /[^\d\s\/.-]/.test(exp.value)) return;
      let digits = digitsOf(exp.value);
      if (/^[2-9]/.test(digits) || /^\d\s*[\/.-]/.test(exp.value)) digits = "0" + digits;
      rewrite(exp, digits.length < 2 ? digits : digits.slice(0, 2) + " / " + digits.slice(2, 4));
    }

    const checks = {
      number(input) {
        const digits = digitsOf(input.value);
        if (!input.value.trim()) return input.dataset.required;
        const range = rangeOf(digits);
        if (digits.length < 12) return input.dataset.length;
        if (!range) return input.dataset.unknown;
        if (!range[3].includes(digits.length)) return input.dataset.length;
        return luhn(digits) ? "" : input.dataset.check;
      },
      exp(input) {
        if (!input.value.trim()) return input.dataset.required;
        const date = parseExp(input.value);
        if (!date || date[0] < 1 || date[0] > 12) return input.dataset.invalid;
        const today = new Date(Date.now() - 12 * 3600e3); // as the server: until the month is over everywhere
        const months = (date[1] - today.getUTCFullYear()) * 12 + date[0] - 1 - today.getUTCMonth();
        return months < 0 ? input.dataset.expired : "";
      },
      cvc(input) {
        const range = rangeOf(digitsOf(number.value));
        const length = input.value.trim().length;
        if (!length) return input.dataset.required;
        const fits = range ? length === range[4] : length === 3 || length === 4;
        return fits && /^\s*\d+\s*$/.test(input.value) ? "" : input.dataset.length;
      },
      name: () => "",
    };

    function show(input, text) {
      byId(input.id + "-error").textContent = text;
      input.closest(".field").classList.toggle("field-wrong", text !== "");
      if (text) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }

    function showSummary(wrong) {
      const list = summary.querySelector("ul");
      list.replaceChildren(...wrong.map(([input, text]) => {
        const item = document.createElement("li"), link = document.createElement("a");
        link.href = "#" + input.id;
        link.textContent = text;
        item.append(link);
        return item;
      }));
      summary.hidden = wrong.length === 0;
    }

    number.addEventListener("input", formatNumber);
    exp.addEventListener("input", formatExp);
    cvc.addEventListener("input", () => rewrite(cvc, digitsOf(cvc.value).slice(0, 4)));
    for (const input of [number, exp, cvc, name]) {
      input.addEventListener("blur", () => { if (input.value) show(input, checks[input.id](input)); });
      input.addEventListener("input", () => {
        if (input.hasAttribute("aria-invalid") && !checks[input.id](input)) show(input, "");
      });
    }
    summary.addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (!link) return;
      event.preventDefault();
      byId(link.hash.slice(1)).focus();
    });

    form.addEventListener("submit", (event) => {
      if (leaving) return event.preventDefault();
      const wrong = [];
      for (const input of [number, exp, cvc, name]) {
        const text = checks[input.id](input);
        show(input, text);
        if (text) wrong.push([input, text]);
      }
      showSummary(wrong);
      if (wrong.length) {
        event.preventDefault();
        summary.focus();
        return;
      }
      leaving = true;
      button.setAttribute("aria-disabled", "true");
      label.textContent = button.dataset.busy;
    });
    addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      leaving = false;
      button.removeAttribute("aria-disabled");
      label.textContent = idle;
    });

    for (const fill of document.querySelectorAll("[data-fill]")) {
      fill.addEventListener("click", () => {
        number.value = fill.dataset.fill;
        exp.value = "12 / " + String((new Date().getFullYear() + 3) % 100).padStart(2, "0");
        cvc.value = "123";
        formatNumber();
        for (const input of [number, exp, cvc]) show(input, "");
        showSummary([]);
        button.focus();
      });
    }
    if (number.value) formatNumber();
  }

  const cancel = byId("cancel");
  if (cancel) {
    cancel.addEventListener("submit", (event) => {
      if (leaving) return event.preventDefault();
      leaving = true;
    });
  }

  // Going on by itself: to the bank at once, to the merchant after a countdown
  // that can be stopped. Never for those who came back on purpose.
  const next = byId("next");
  if (next && next.dataset.leadOn && !cameBack) {
    leaving = true;
    location.replace(next.href);
  }
  const soon = byId("soon");
  if (soon && cameBack) soon.hidden = true;
  else if (soon) countDown();

  function countDown() {
    let left = +soon.dataset.leadOn;
    const text = soon.firstChild;
    const timer = setInterval(() => {
      left--;
      if (left > 0) {
        text.data = soon.dataset.leadText.replace("{seconds}", left) + " ";
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

  // Moves on when the state does: a second tab, an approval elsewhere, a late answer.
  const pace = { processing: [1500, 10000], redirecting: [3000, 15000], form: [10000, 30000], declined: [10000, 30000] }[page.state];
  if (page.poll && pace) poll(pace[0], pace[1], 500);

  function poll(wait, longest, left) {
    if (left === 0) return;
    setTimeout(async () => {
      if (leaving) return;
      if (!document.hidden && (await moved().catch(() => false)) && !leaving) {
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
    const typed = form && ["number", "exp", "cvc"].some((id) => byId(id).value !== byId(id).defaultValue);
    if (typed) {
      byId("moved").hidden = false;
      return;
    }
    leaving = true;
    location.replace(page.page);
  }
})();
