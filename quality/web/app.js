// The page of kleid quality: what a model says of photos, and people's judgements of them.

import { askOverview } from "./api.js";
import { $, calm, fail } from "./dom.js";
import { load, redrawCards, whenJudged } from "./photos.js";
import { showReport } from "./report.js";
import { facetOf, judge, read, renew, state, take } from "./view.js";

window.addEventListener("hashchange", async () => {
  if (!state.overview) return;
  state.run = state.overview.index?.run; // photos are listed anew
  read();
  showReport();
  const arriving = state.arriving;
  state.arriving = false;
  await load();
  if (!arriving) return;
  $("status").focus({ preventScroll: true });
  $("photos-part").scrollIntoView();
});

// Links into the page are no addresses of what is looked at.
document.querySelector(".skip").addEventListener("click", event => {
  event.preventDefault();
  $("photos").focus();
});

// A click that ends the typing of a name is to meet the card that it is on, before others take its place.
let pressed = Promise.resolve();
window.addEventListener("pointerdown", () => {
  pressed = new Promise(go => window.addEventListener("pointerup", () => setTimeout(go), { once: true }));
}, true);

$("judge").value = localStorage.getItem("judge") || "";
$("judge").addEventListener("change", async () => {
  localStorage.setItem("judge", judge());
  $("judge").removeAttribute("aria-invalid");
  calm(); // it asked for the name
  await pressed;
  load();
});

document.querySelector("#failure button").addEventListener("click", calm);
window.addEventListener("keydown", event => { if (event.key === "Escape") calm(); });

// Figures are brought up to date when nobody has judged for a moment.
let waiting, asked = 0;
whenJudged(() => {
  clearTimeout(waiting);
  waiting = setTimeout(refresh, 400);
});
// An index may be made anew while nobody looks.
document.addEventListener("visibilitychange", () => { if (!document.hidden && state.overview?.index) refresh(); });

async function refresh() {
  const turn = ++asked;
  try {
    const overview = await askOverview();
    if (turn !== asked) return;
    take(overview);
    if (!facetOf(state.view.facet)) return renew(); // the new index does not have it
    showReport();
    redrawCards();
  } catch (error) {
    fail(error);
  }
}

try {
  take(await askOverview());
  $("report").open = !state.overview.index && matchMedia("(min-width: 861px)").matches; // of an index one comes for the photos
  if (state.overview.judge) {
    $("judge").hidden = true;
    $("judge-name").textContent = state.overview.judge;
  }
  read();
  showReport();
  await load();
} catch (error) {
  fail(error);
}
