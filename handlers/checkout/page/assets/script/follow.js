// --- Moving on when the state does: a second tab, an approval elsewhere, a late
// answer ---

let looking = 0; // the timer of the next look
let due = false; // it is time to move on, and somebody is in the middle of something

// The other tabs with pages of ours. They hear that something may have happened, not
// of which payment: each asks for its own.
const others = window.BroadcastChannel ? new BroadcastChannel("checkout") : null;

function follow() {
  // A page is made anew when something has happened.
  if (others) others.postMessage("look");
  const paces = { processing: [1500, 10000], approving: [1500, 5000], redirecting: [3000, 15000], form: [10000, 30000], declined: [10000, 30000] };
  const pace = paces[page.state];
  if (!page.poll || !pace) return;
  // Back from the bank before its word came: if none comes, it is the bank's turn again.
  if (page.state === "processing" && page.shownNext) setTimeout(moveOn, 8000, false);
  poll(pace[0], pace[1], 500);
  // Who knows that it is time to look says so.
  document.addEventListener("look", () => poll(0, pace[1], 500));
  if (others) others.addEventListener("message", () => look());
  // Who comes back to this tab, perhaps from their bank's app, does not have to wait.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) poll(0, pace[1], 500);
  });
  // What was opened is closed again: nothing is in the way any more.
  document.addEventListener("toggle", () => { if (due) moveOn(false); }, true);
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
  const now = await state().catch(() => null), has = now && moved(now);
  // Who pays in another tab goes to the bank there, and not here as well.
  const address = has && form && nextOf(now) ? page.page + (page.page.includes("?") ? "&" : "?") + "stay=1" : page.page;
  if (has || must) moveOn(true, address);
  return has;
}

async function state() {
  const answer = await fetch(page.poll, { headers: { Accept: "application/json" }, cache: "no-store" });
  return answer.ok ? answer.json() : null;
}

function nextOf(now) { return (now.next_action || {}).url || ""; }

function moved(now) {
  return (now.status || "") !== page.shownStatus ||
    (now.payment_outcome || "") !== page.shownOutcome ||
    ((now.last_payment_error || {}).timestamp || "") !== page.shownErrorAt ||
    nextOf(now) !== page.shownNext;
}

// moveOn shows the page anew, but never under the hands of somebody who is typing or
// reading what they have opened: they are told, if there is news.
function moveOn(news, address = page.page) {
  if (leaving) return;
  if (!engaged()) {
    leaving = true;
    if (news) document.dispatchEvent(new Event("moved"));
    location.replace(address);
    return;
  }
  due = true;
  if (news) byId("moved").hidden = false;
}

function engaged() {
  const touched = (input) => input.tagName === "INPUT" && (input.value !== input.defaultValue || input.checked !== input.defaultChecked);
  return document.querySelector("details[open]:not(.more)") || form && [...form.elements].some(touched);
}
