// --- Counting down to an instant ---

const minute = 60, hour = 60 * minute;
// When those who hear the page are told; more would be a nuisance.
const tellAt = [10 * minute, 5 * minute, minute];

function setUpCountdowns() {
  for (const time of document.querySelectorAll("time[data-left]")) countDownTo(time);
}

// countDownTo shows what is left, in the last hour. The end is reckoned from when the
// page was made: the customer's clock may be wrong.
function countDownTo(time) {
  const end = Date.now() - performance.now() + time.dataset.left * 1000;
  const shown = document.createElement("span"), told = document.createElement("span");
  shown.className = "left";
  shown.setAttribute("role", "timer"); // which is not said aloud as it changes
  told.className = "spoken";
  told.setAttribute("role", "status");
  time.after(" ", shown, told);
  let before = Infinity;
  const timer = setInterval(tick, 1000);
  tick();

  function tick() {
    const left = Math.max(0, Math.round((end - Date.now()) / 1000));
    if (left < hour) put(shown, "(" + time.dataset.text.replace("{left}", clock(left)) + ")");
    const due = tellAt.find((at) => left <= at && before > at && before !== Infinity);
    if (due) told.textContent = time.dataset.text.replace("{left}", minutes(Math.round(left / minute)));
    before = left;
    if (left > 0) return;
    clearInterval(timer);
    setTimeout(() => look(true), 1500); // the server says what has become of it
  }
}

const clock = (seconds) => Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
const minutes = (n) => new Intl.NumberFormat(locale, { style: "unit", unit: "minute", unitDisplay: "long" }).format(n);
