// The page: a photo or an item is the subject of a search, its facets are chips that filter, results are
// cards that become the next subject. Texts from the catalogue only ever become text nodes.

import { api, ask, describe } from "./api.js";
import { card, ghosts } from "./cards.js";
import { $, hold, refocus, say, sentence } from "./dom.js";
import { showFacets } from "./facets.js";
import { filters, filterText, refilter, takeLimits } from "./filters.js";
import { canDraw, clearPhoto, showQuery, whenChosen } from "./photo.js";
import { readable } from "./readable.js";
import { state } from "./state.js";

let running = null; // AbortController of the search under way
const visited = []; // subjects, by history.state.n
const page = Math.random(); // in history.state, too: entries from before a reload are of another visited
const title = document.title; // of the start

// search shows results from an offset on; 0 begins anew.
async function search(offset = 0) {
  running?.abort();
  hold();
  const said = $("status").textContent;
  const own = (running = new AbortController());
  if (offset === 0) history.replaceState(history.state, "", address());
  document.body.dataset.view = "search";
  document.body.classList.add("loading");
  $("query").hidden = false;
  $("frame").hidden = false;
  $("message").hidden = true;
  $("more").hidden = true;
  $("more-failed").textContent = "";
  $("heading").textContent = "Dresses like this one";
  $("status").textContent = state.subject.kind === "photo" && !state.subject.photoId ? "Looking at the photo…" : "Searching…";
  if (!$("results").querySelector(".card[data-row]") || document.body.dataset.fresh) ghosts();
  try {
    if (!state.facets.length) await describe(own.signal);
    const answer = await ask(offset, own.signal);
    if (answer.run !== state.run) await describe(own.signal);
    if (running !== own) return;
    if (offset > 0 && answer.run !== state.shown.run) return search(); // ranks of two indexes do not go together
    show(answer, offset);
  } catch (error) {
    if (error.name === "AbortError" || running !== own) return;
    if (offset === 0) return fail(error);
    $("status").textContent = said;
    $("more-failed").textContent = sentence(error.message);
    $("more").hidden = false;
    $("more").focus();
  } finally {
    if (running === own) {
      document.body.classList.remove("loading");
      delete document.body.dataset.fresh;
      refocus();
    }
  }
}

function show(answer, offset) {
  state.shown = answer;
  if (state.subject.kind === "photo") state.subject.photoId = answer.query.photo_id;
  showQuery(answer);
  showFacets(answer, search);
  const filter = filterText();
  $("clear").hidden = !filter;
  if (offset === 0) $("results").replaceChildren();
  const fresh = answer.results.map((row) => card(row, answer, go));
  $("results").append(...fresh);
  if (offset > 0) fresh[0]?.querySelector("button").focus();
  $("more").hidden = answer.complete;
  if (answer.status === "no_dress") {
    $("heading").textContent = "No dress found";
    say("No dress was found in this photo", `Try another photo${canDraw ? ", or draw a box around the dress" : ""}.`);
    $("status").textContent = "";
    return;
  }
  if (answer.total_matches === 0) {
    $("status").textContent = "";
    if (filter) say("No dress is like that", `No dress of the catalogue has ${filter}. Loosen the filter to see more.`, "Clear the filter", clear);
    else say("Nothing to compare with", "There is no other dress in the catalogue yet.");
    return;
  }
  const count = offset + answer.results.length;
  $("status").textContent = `${count} of ${answer.total_matches} ${answer.total_matches === 1 ? "dress" : "dresses"}${filter ? ` with ${filter}` : ""}${answer.ignored ? `; its own ${answer.ignored.join(" and ")} ${answer.ignored.length > 1 ? "do" : "does"} not count` : ""}${answer.not_ignored ? `; its own ${answer.not_ignored.join(" and ")} ${answer.not_ignored.length > 1 ? "count" : "counts"} all the same` : ""}`;
}

// address is where the page shows what it does: a photo is known to this page alone, an item to others, too.
function address() {
  const query = `${filters()}`;
  return `#${state.subject.kind === "item" ? `item=${state.subject.rowId}` : "photo"}${query && "&"}${query}`;
}

function fail(error) {
  $("results").replaceChildren();
  $("status").textContent = "";
  $("frame").hidden = !$("query-photo").naturalWidth; // a file that is no photo, or an item that is gone, has no picture
  if (error.code === "unknown_item") return say("This dress is gone", "It is not in the catalogue any more.", "Show other dresses", home);
  const titles = { no_index: "There is no catalogue yet", busy: "Many photos at once", no_store: "The search is away for a moment", offline: "No connection", timeout: "That took too long", too_large: "This photo is too large", photo_too_many_bytes: "This photo is too large", photo_too_many_pixels: "This photo is too large" };
  const title = titles[error.code] || (error.code?.startsWith("photo_") ? "This photo cannot be read" : "That did not work");
  // An index that took this one's place, such as an older one, may not know what is filtered by.
  if (error.status === 422 && filterText()) return say(title, sentence(error.message), "Clear the filter", clear);
  const retry = error.status === 0 || error.status >= 500;
  say(title, sentence(error.message), retry ? "Try again" : "", () => (state.subject ? search() : start()));
}

function clear() {
  refilter();
  search();
}

// go makes something the subject, and a page of its own in the browser's history.
function go(next) {
  visited.push(next);
  history.pushState({ page, n: visited.length - 1 }, ""); // its address comes with its search
  begin(next);
}

function begin(next, said) {
  hold();
  state.subject = next;
  refilter(said);
  state.shown = null;
  document.body.dataset.fresh = "yes";
  $("described").hidden = true;
  $("clear").hidden = true;
  document.title = title;
  clearPhoto();
  scrollTo({ top: 0 });
  search();
}

async function take(files) {
  const chosen = [...(files || [])].find((f) => f.type.startsWith("image/")) || files?.[0];
  if (!chosen) return;
  try {
    // In memory, since it may be sent again when it is not at its place any more.
    const file = await readable(new Blob([await chosen.arrayBuffer()], { type: chosen.type }));
    go({ kind: "photo", file, url: URL.createObjectURL(file), photoId: "", box: "" });
  } catch {
    say("This file cannot be read", "Choose another one.");
  }
}

async function start() {
  hold();
  running?.abort();
  running = null;
  state.subject = null;
  document.body.dataset.view = "start";
  document.body.classList.remove("loading");
  $("query").hidden = true;
  $("message").hidden = true;
  $("more").hidden = true;
  $("more-failed").textContent = "";
  $("clear").hidden = true;
  $("status").textContent = "";
  $("heading").textContent = "Or begin with one of these";
  document.title = title;
  ghosts();
  try {
    const [index, { items }] = await Promise.all([describe(), api("/v1/items?limit=12")]);
    $("about").textContent = `${index.photos} photos in the catalogue`;
    if (!state.subject) $("results").replaceChildren(...items.map((row) => card(row, null, go)));
  } catch (error) {
    if (!state.subject) fail(error);
  }
  if (!state.subject) refocus();
}

function home() {
  history.pushState(null, "", "/");
  start();
}

// restore shows what the address says: an earlier subject, an item, or the start, and its filters.
function restore(entry) {
  const said = new URLSearchParams(location.hash.slice(1));
  const item = said.get("item");
  if (/^[0-9a-f]{64}$/.test(item)) begin({ kind: "item", rowId: item }, said);
  else if (entry?.page === page) begin(visited[entry.n], said);
  else start();
}

$("photo").onchange = async (event) => {
  await take(event.target.files);
  event.target.value = ""; // so that the same file can be chosen again
};
$("clear").onclick = clear;
$("price").onchange = () => {
  if (takeLimits()) search();
};
$("more").onclick = () => search($("results").querySelectorAll(".card[data-row]").length);
$("skip").onclick = (event) => {
  event.preventDefault(); // another address would be another subject
  $("results").focus();
};
$("home").onclick = (event) => {
  event.preventDefault();
  home();
};
document.addEventListener("paste", (event) => take(event.clipboardData?.files));
document.addEventListener("dragover", (event) => {
  if (![...event.dataTransfer.types].includes("Files")) return;
  event.preventDefault();
  document.body.classList.add("dragging");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  take(event.dataTransfer.files);
});
window.addEventListener("popstate", (event) => restore(event.state));
const wide = matchMedia("(min-width: 761px)");
wide.onchange = () => ($("described").open ||= wide.matches); // there is nothing to open it with
$("described").open = wide.matches; // a phone shows the results first
whenChosen((box) => {
  state.subject.box = box && [box.x_min, box.y_min, box.x_max, box.y_max].join(",");
  refilter();
  search();
});
restore(null);
