// The list of photos, and what is said of them.

import { DRESS, UNSEEN, askPhotos, judgeInTurn, picture } from "./api.js";
import { $, calm, count, el, fail } from "./dom.js";
import { activate, card, nameOf } from "./card.js";
import { facetOf, go, judge, state } from "./view.js";

const PAGE = 48;

let items = [], total = 0, left = 0; // left: those that More photos brings
let listed = ""; // the facet of the list
let loading = 0;
let drawn = ""; // the labels that the cards have
const answers = new Map(); // to what was said since the list was asked for
const lost = new Set(); // the facets and photos of which the last word was not kept
let judged = () => {};

// whenJudged calls f after each judgement.
export function whenJudged(f) { judged = f; }

const labelsNow = () => facetOf(state.view.facet).labels.join("\n");
const draw = item => card(item, { say, large, isLost: lost.has(asTo(item)) });
const asTo = item => `${item.facet} ${item.id}`;

// load asks for the photos that are looked at, or for more of them. Those that were judged may not be among them any more,
// so that it asks from the beginning, and takes those that it does not have.
export async function load(more = false) {
  const turn = ++loading, { view } = state;
  answers.clear();
  calm();
  $("photos").setAttribute("aria-busy", "true");
  if (listed !== view.facet) show([], 0, 0);
  listed = view.facet;
  let page;
  try {
    page = await askPhotos({ ...view, judge: judge() }, more ? items.length + PAGE : PAGE);
  } catch (error) {
    if (turn !== loading) return;
    $("photos").setAttribute("aria-busy", "false");
    if (!more) show([], 0, 0);
    return fail(error);
  }
  if (turn !== loading) return; // somebody has gone on
  $("photos").setAttribute("aria-busy", "false");
  if (!more) return show(page.items.map(item => answers.get(item.id) ?? item), page.total, page.total - page.items.length);
  const here = new Set(items.map(item => item.id));
  const found = page.items.filter(item => !here.has(item.id)), added = found.slice(0, PAGE);
  items.push(...added);
  $("photos").append(...added.map(draw));
  total = page.total;
  left = added.length ? page.total - page.items.length + found.length - added.length : 0;
  showStatus();
}

function show(list, all, rest) {
  items = list;
  total = all;
  left = rest;
  drawn = labelsNow();
  const at = document.activeElement, held = at.closest("#photos .card")?.dataset.id;
  $("photos").replaceChildren(...items.map(draw));
  const first = $("photos").firstElementChild;
  if (first) activate(first);
  showStatus();
  if (held && !refocus(held, at.dataset.name)) (first ?? $("status")).focus();
}

const LEAST = "; what the model is least sure of comes first";
const ORDERS = {
  dataset: { disagree: "; what the model is surest of comes first, what people have judged last", unlabelled: LEAST },
  index: { unlabelled: LEAST, all: `${LEAST}, what people have judged last`, no_dress: ". Where it was the model that found none and people say that there is one, the next night has it" },
};

export function showStatus() {
  const { view, overview } = state, order = ORDERS[overview.index ? "index" : "dataset"];
  const which = [view.label && `labelled ${view.label}`, view.predicted && `taken for ${view.predicted}`].filter(Boolean).join(", ");
  const learned = { apart: " that the model has not learned from", learned: " that the model has learned from" }[view.set] ?? "";
  let text = `${count(total)} ${total === 1 ? "photo" : "photos"}${learned}${which ? ", " + which : ""}${order[view.show] ?? ""}.`;
  if ($("photos").getAttribute("aria-busy") === "true") text = "Looking…";
  else if (view.show === "mine" && !judge()) text = "Say who you are, to see what you have judged.";
  else if (!total) text = `No photos here${which ? ": " + which + learned : ""}.`;
  const held = $("status").contains(document.activeElement);
  $("status").replaceChildren(text, which ? el("button", { type: "button", onclick: () => go({ label: "", predicted: "" }) }, "all labels") : "");
  if (held) $("status").focus({ preventScroll: true });
  $("more").hidden = left <= 0;
}

$("more").addEventListener("click", async () => {
  const from = items.length;
  await load(true);
  ($("photos").children[from] ?? $("photos").lastElementChild)?.focus();
});

// The card that has the focus is the one that Tab comes back to.
$("photos").addEventListener("focusin", event => {
  const here = event.target.closest(".card");
  for (const e of here ? $("photos").children : []) if (e !== here && e.tabIndex === 0) activate(e, false);
  if (here) activate(here);
});

// redrawCards draws all cards again, where labels have come or gone.
export function redrawCards() {
  if (drawn === labelsNow()) return;
  drawn = labelsNow();
  items.forEach(replace);
}

// refocus puts the focus on a photo's card, or on the button of a name in it, and says whether the card is there.
function refocus(id, name) {
  const e = [...$("photos").children].find(c => c.dataset.id === id);
  ([...e?.querySelectorAll("button") ?? []].find(b => b.dataset.name === name) ?? e)?.focus({ preventScroll: true });
  return Boolean(e);
}

// replace draws a card again, and leaves the focus where it was in it.
function replace(item) {
  const old = [...$("photos").children].find(e => e.dataset.id === item.id);
  if (!old) return;
  const at = document.activeElement, held = old.contains(at);
  const fresh = draw(item);
  if (old.tabIndex === 0) activate(fresh);
  old.replaceWith(fresh);
  if (held) refocus(item.id, at.dataset.name);
}

// say says a label of a photo, "" to take it back, and whether it could be said. The facet is the card's, whatever the page
// has gone on to.
function say(item, label, { facet = item.facet, isNew = false } = {}) {
  if (state.overview.read_only) {
    fail(new Error(`Nothing can be judged: ${state.overview.read_only}`));
    return false;
  }
  if (!judge()) {
    $("judge").setAttribute("aria-invalid", "true");
    $("judge").focus();
    fail(new Error("Say who you are first: judgements have a name."));
    return false;
  }
  const said = { judge: judge(), id: item.id, facet, label, shown: item.facet, new: isNew };
  judgeInTurn(said).then(answer => { if (answer) answered(answer, said); }, error => notKept(item, error));
  return true;
}

// notKept marks the photo until it is judged: whoever judges by keyboard has gone on.
function notKept(item, error) {
  lost.add(asTo(item));
  const shown = items.find(other => other.id === item.id && other.facet === item.facet);
  if (shown) replace(shown);
  fail(new Error(`${item.name} was not judged: ${error.message}`));
}

function answered(item, said) {
  lost.delete(asTo(item));
  if (!lost.size) calm();
  judged();
  if (item.facet !== state.view.facet) return; // the page has gone on
  const { labels } = facetOf(item.facet);
  if (said.facet !== DRESS && said.label && said.label !== UNSEEN && !labels.includes(said.label)) labels.push(said.label);
  answers.set(item.id, item);
  const i = items.findIndex(other => other.id === item.id);
  if (i >= 0) {
    items[i] = item;
    replace(item);
  }
  redrawCards();
}

// large shows a photo as large as the window. The focus comes back to its card, which may have been drawn again.
function large(item) {
  const dialog = $("large");
  dialog.querySelector("img").src = picture(item.id, true);
  dialog.querySelector("img").alt = `dress ${item.product}`;
  dialog.querySelector("p").replaceChildren(nameOf(item));
  dialog.classList.toggle("thumbnail", Boolean(state.overview.index));
  const back = document.activeElement.dataset.name;
  dialog.onclose = () => {
    dialog.querySelector("img").removeAttribute("src");
    refocus(item.id, back);
  };
  dialog.showModal();
}
$("large").addEventListener("click", () => $("large").close());
$("large").addEventListener("keydown", event => { if (event.key === "z") $("large").close(); });
