// Elements of the page: where they are, what is said in them, and where the keyboard goes on.

export const $ = (id) => document.getElementById(id);

// hold and refocus are before and after a change: where it takes away what has the focus, the keyboard goes on at the
// heading, or at what can be done now, and not at the top of the page.
let held = false; // whether something had the focus before what is shown began to change

export function hold() {
  held ||= document.activeElement !== document.body;
}

export function refocus() {
  const at = document.activeElement;
  if (held && (at === document.body || !at.getClientRects().length)) {
    const act = $("message-action");
    (act.getClientRects().length ? act : $("heading")).focus({ preventScroll: true });
  }
  held = false;
}

export function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
}

// say puts a message where results would be, with what can be done.
export function say(title, text, action = "", act = null) {
  $("message-title").textContent = title;
  $("message-text").textContent = text;
  $("message-action").textContent = action;
  $("message-action").hidden = !action;
  $("message-action").onclick = act;
  $("message").hidden = false;
}

export const percent = (share) => `${Math.round(100 * Math.max(0, share))} %`; // as the command line does
