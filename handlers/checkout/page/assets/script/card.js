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

function showScheme(range) {
  put(byId("scheme"), range ? range[0] : "");
  showCVCHint();
}

function showCVCHint() {
  const hint = byId("cvc-hint"), digits = cvcDigits();
  put(hint, !digits ? hint.dataset.any : digits === 4 ? hint.dataset.four : hint.dataset.three);
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
