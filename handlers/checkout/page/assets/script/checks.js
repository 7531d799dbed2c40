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
  bank: () => (banks().some((one) => one.checked) ? "" : banks()[0].dataset.required),
  phone() {
    const digits = digitsOf(phone.value).length, says = phone.dataset;
    if (!phone.value.trim()) return says.required;
    return digits < 7 || digits > 15 || /[^\d\s()+.\/-]/.test(phone.value) ? says.invalid : "";
  },
  accept_mandate: () => (accept.checked ? "" : accept.dataset.required),
};

function check(input) { return checks[input.name](); }

// A radio button stands for its group: that is what is wrong.
function show(input, text) {
  const field = input.closest(".field"), holder = input.type === "radio" ? field : input;
  field.querySelector(".error").textContent = text;
  field.classList.toggle("field-wrong", text !== "");
  if (text) holder.setAttribute("aria-invalid", "true");
  else holder.removeAttribute("aria-invalid");
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
