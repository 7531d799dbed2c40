// What the other files share. All of them run in one function, in the order that
// script.go gives, so that nothing of ours is global.
const byId = (id) => document.getElementById(id);
const digitsOf = (text) => text.replace(/\D/g, "");
const page = document.body.dataset;
// The page's language, with the customer's region where the page has none.
const language = document.documentElement.lang;
const locale = language.includes("-") ? language : navigator.languages.find((one) => one.split("-")[0] === language) || language;
const form = byId("pay");
const { number, exp, cvc, name, phone, accept_mandate: accept } = form ? form.elements : {};
// The saved cards and other ways to pay; the only way is one of them, hidden.
const choices = form ? [...form.querySelectorAll("[name=payment_method]")] : [];
// A range is [scheme, from, to, lengths, CVC digits].
const ranges = number ? JSON.parse(number.dataset.ranges) : [];
const cameBack = (performance.getEntriesByType("navigation")[0] || {}).type === "back_forward";
let leaving = false; // a form or a page is on its way: nothing may cut it off

function put(element, text) { if (element.textContent !== text) element.textContent = text; }

// Instants in the customer's own zone.
function showLocalTimes() {
  const format = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!isNaN(at)) time.textContent = format.format(at);
  }
}
