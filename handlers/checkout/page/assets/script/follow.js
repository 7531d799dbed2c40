// --- Moving on when the state does: a second tab, an approval elsewhere, a late
// answer ---

let looking = 0; // the timer of the next look

function follow() {
  const paces = { processing: [1500, 10000], approving: [1500, 5000], redirecting: [3000, 15000], form: [10000, 30000], declined: [10000, 30000] };
  const pace = paces[page.state];
  if (!page.poll || !pace) return;
  // Back from the bank before its word came: if none comes, it is the bank's turn again.
  if (page.state === "processing" && page.shownNext) setTimeout(moveOn, 8000);
  poll(pace[0], pace[1], 500);
  // Somebody knows that it is time to look.
  document.addEventListener("look", () => poll(0, pace[1], 500));
  // Who comes back to this tab, perhaps from their bank's app, does not have to wait.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) poll(0, pace[1], 500);
  });
}

function poll(wait, longest, left) {
  clearTimeout(looking);
  if (left === 0) return;
  looking = setTimeout(async () => {
    if (leaving || (!document.hidden && (await look()))) return;
    poll(Math.max(1000, Math.min(wait * 1.2, longest)), longest, left - 1);
  }, wait);
}

// look moves on if the state has, and in any case if it must have.
async function look(must) {
  const has = await moved().catch(() => false);
  if (has || must) moveOn();
  return has;
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
  const touched = (input) => input.tagName === "INPUT" && (input.value !== input.defaultValue || input.checked !== input.defaultChecked);
  if (form && [...form.elements].some(touched)) {
    byId("moved").hidden = false;
    return;
  }
  leaving = true;
  location.replace(page.page);
}
