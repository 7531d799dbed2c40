// --- The ways to pay ---

// chosen is the way to pay, with what it asks for in its data.
function chosen() { return choices.find((choice) => choice.checked || choice.type === "hidden"); }

// saved is the saved card that is chosen, or nothing.
function saved() { return choices.find((choice) => choice.checked && choice.dataset.asks === "saved"); }

// cvcDigits is how many digits the security code has, 0 while that is not known.
function cvcDigits() {
  const one = saved(), range = number && rangeOf(digitsOf(number.value));
  return one ? +one.dataset.cvc : range ? range[4] : 0;
}

// banks are those that may be chosen now; the first stands for them all.
function banks() { return [...form.querySelectorAll("[name=bank]")].filter((one) => one.closest("fieldset").offsetParent); }

// asked are the inputs that the page asks for now.
function asked() {
  const inputs = {
    card: [number, exp, cvc, name], saved: [cvc && cvc.offsetParent ? cvc : null], bank: [banks()[0]], phone: [phone], nothing: [],
  }[chosen().dataset.asks];
  return [...inputs, accept].filter(Boolean);
}

// choose shows the parts of the way that is chosen. Style alone does the same where
// it can look into the form; see checkout.css.
function choose() {
  const { asks, kind } = chosen().dataset;
  form.dataset.asks = asks;
  for (const part of form.querySelectorAll(".part[data-kind]")) part.hidden = asks === "bank" && part.dataset.kind !== kind;
  if (cvc) showCVCHint();
  for (const input of [number, exp, cvc, name, phone, banks()[0]]) if (input) show(input, "");
}

// --- The form ---

function setUpForm() {
  if (number) number.addEventListener("input", formatNumber);
  if (exp) exp.addEventListener("input", formatExp);
  if (cvc) cvc.addEventListener("input", () => rewrite(cvc, digitsOf(cvc.value).slice(0, 4)));
  for (const input of [number, exp, cvc, name, phone].filter(Boolean)) {
    // Only on the way to another field: a text that appears under a press would
    // move the button away from it.
    input.addEventListener("blur", (event) => {
      if (input.value && event.relatedTarget && /text|tel/.test(event.relatedTarget.type)) show(input, check(input));
    });
    input.addEventListener("input", () => {
      if (input.hasAttribute("aria-invalid") && !check(input)) show(input, "");
    });
  }
  if (accept) accept.addEventListener("change", () => { if (accept.checked) show(accept, ""); });
  for (const choice of choices) choice.addEventListener("change", choose);
  for (const one of form.querySelectorAll("[name=bank]")) one.addEventListener("change", () => show(banks()[0], ""));
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
  if (number && number.value) formatNumber();
  // What the browser filled in again after a way back counts, too.
  form.dataset.asks = chosen().dataset.asks;
  if (cvc) showCVCHint();
}

// submit lets the form go once, and only without mistakes: what was typed as
// number and code is lost with the page.
function submit(event) {
  if (leaving) return event.preventDefault();
  const wrong = [];
  for (const input of asked()) {
    const text = check(input);
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
  for (const choice of choices) choice.checked = choice.dataset.asks === "card";
  choose();
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
