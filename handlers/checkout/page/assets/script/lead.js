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
