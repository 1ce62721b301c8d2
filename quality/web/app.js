// The page of kleid quality: what a model says of labelled photos, and people's judgements of them.

import { askOverview } from "./api.js";
import { $, calm, fail } from "./dom.js";
import { load, redrawCards, whenJudged } from "./photos.js";
import { showReport } from "./report.js";
import { judge, read, state, take } from "./view.js";

window.addEventListener("hashchange", async () => {
  if (!state.overview) return;
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
  waiting = setTimeout(async () => {
    const turn = ++asked;
    try {
      const overview = await askOverview();
      if (turn !== asked) return;
      take(overview);
      showReport();
      redrawCards();
    } catch (error) {
      fail(error);
    }
  }, 400);
});

$("report").open = matchMedia("(min-width: 861px)").matches;
try {
  take(await askOverview());
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
