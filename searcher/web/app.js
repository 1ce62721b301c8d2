// The page: a photo or an item is the subject of a search, its facets are chips that filter, results are
// cards that become the next subject. Texts from the catalogue only ever become text nodes.

const pageSize = 24;
const $ = (id) => document.getElementById(id);

let facets = []; // [{name, labels, swatches}] of the index
let prices = false; // whether dresses can be filtered by price
let run = ""; // of the index that has these facets
let subject = null; // what is searched for: {kind: "photo", file, url, photoId, box} or {kind: "item", rowId, picture}
let where = {}; // facet → label
let limits = {}; // of the price: {price_min, price_max}, those that were given
let ignored = []; // facets that an address says are overridden; once there is an answer, that says so
let shown = null; // the latest answer
let photoSize = null; // [width, height] of the queried photo
let running = null; // AbortController of the search under way
let held = false; // whether something had the focus before what is shown began to change
const visited = []; // subjects, by history.state.n
const page = Math.random(); // in history.state, too: entries from before a reload are of another visited
const title = document.title; // of the start
const canDraw = !matchMedia("(pointer: coarse)").matches; // fingers scroll

class Problem extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function api(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "offline", "The service cannot be reached. Check the connection and try again.");
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, body.code, body.detail || `The service answered ${response.status}.`);
  return body;
}

// overridden are the facets that are to be another than the dress's own: what it looks like in them must not
// pull.
function overridden() {
  if (!shown) return ignored;
  return Object.keys(where).filter((facet) => shown.facets?.[facet] && shown.facets[facet].label !== where[facet]);
}

// filters are what results are to be, as the API takes it and the page's address keeps it.
function filters() {
  const query = new URLSearchParams(limits);
  for (const [facet, label] of Object.entries(where)) query.append("where", `${facet}=${label}`);
  for (const facet of overridden()) query.append("ignore", facet);
  return query;
}

// ask searches for the subject, from an offset on.
async function ask(offset, signal) {
  const options = { k: pageSize, offset };
  if (subject.kind === "item") return api(`/v1/items/${subject.rowId}/similar?${new URLSearchParams(options)}&${filters()}`, { signal });
  if (subject.photoId) {
    try {
      const body = { ...options, ...limits, photo_id: subject.photoId, where, ignore: overridden() };
      if (subject.box) body.box = subject.box;
      return await api("/v1/search", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal });
    } catch (error) {
      if (error.code !== "unknown_photo") throw error; // otherwise it was forgotten: send it
    }
  }
  const form = new FormData();
  for (const [name, value] of [...Object.entries(options), ...filters()]) form.append(name, value);
  if (subject.box) form.append("box", subject.box);
  form.append("photo", subject.file, "photo");
  return api("/v1/search", { method: "POST", body: form, signal });
}

// describe asks what can be filtered by, and returns all that is known of the index.
async function describe(signal) {
  const index = await api("/v1/facets", { signal });
  ({ facets, prices, run } = index);
  return index;
}

// hold and refocus are before and after a change: where it takes away what has the focus, the keyboard goes on at the
// heading, or at what can be done now, and not at the top of the page.
function hold() {
  held ||= document.activeElement !== document.body;
}

function refocus() {
  const at = document.activeElement;
  if (held && (at === document.body || !at.getClientRects().length)) {
    const act = $("message-action");
    (act.getClientRects().length ? act : $("heading")).focus({ preventScroll: true });
  }
  held = false;
}

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
  $("status").textContent = subject.kind === "photo" && !subject.photoId ? "Looking at the photo…" : "Searching…";
  if (!$("results").querySelector(".card[data-row]") || document.body.dataset.fresh) ghosts();
  try {
    if (!facets.length) await describe(own.signal);
    const answer = await ask(offset, own.signal);
    if (answer.run !== run) await describe(own.signal);
    if (running !== own) return;
    if (offset > 0 && answer.run !== shown.run) return search(); // ranks of two indexes do not go together
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
  shown = answer;
  if (subject.kind === "photo") subject.photoId = answer.query.photo_id;
  showQuery(answer);
  showFacets(answer);
  const filter = filterText();
  $("clear").hidden = !filter;
  if (offset === 0) $("results").replaceChildren();
  const fresh = answer.results.map((row) => card(row, answer));
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

// filterText says what results are to be; "" if that is anything.
function filterText() {
  const { price_min: min, price_max: max } = limits;
  const range = [min !== undefined && `from ${min}`, max !== undefined && `to ${max}`].filter(Boolean).join(" ");
  return [...Object.entries(where), ...(range ? [["price", range]] : [])].map(([name, value]) => `${name}: ${value}`).join(", ");
}

// address is where the page shows what it does: a photo is known to this page alone, an item to others, too.
function address() {
  const query = `${filters()}`;
  return `#${subject.kind === "item" ? `item=${subject.rowId}` : "photo"}${query && "&"}${query}`;
}

// refilter takes the filters of an address, and forgets all others.
function refilter(said = new URLSearchParams()) {
  where = Object.fromEntries(said.getAll("where").map((condition) => condition.split(/=(.+)/)).filter(([, label]) => label));
  ignored = said.getAll("ignore");
  for (const input of ["min", "max"]) $("price").elements[input].value = said.get(`price_${input}`) || "";
  limits = readLimits();
}

// readLimits returns the prices that the form says, and has it say what is wrong with them.
function readLimits() {
  const { min, max } = $("price").elements;
  max.setCustomValidity(min.value && max.value && Number(max.value) < Number(min.value) ? "The highest price must not be below the lowest." : "");
  return Object.fromEntries([min, max].filter((input) => input.value).map((input) => [`price_${input.name}`, Number(input.value)]));
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
  say(title, sentence(error.message), retry ? "Try again" : "", () => (subject ? search() : start()));
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
}

function say(title, text, action = "", act = null) {
  $("message-title").textContent = title;
  $("message-text").textContent = text;
  $("message-action").textContent = action;
  $("message-action").hidden = !action;
  $("message-action").onclick = act;
  $("message").hidden = false;
}

function ghosts() {
  $("results").replaceChildren(...Array.from({ length: 8 }, () => {
    const li = document.createElement("li");
    li.className = "ghost";
    li.setAttribute("aria-hidden", "true");
    li.innerHTML = '<span class="picture"></span>';
    return li;
  }));
}

// place puts an element over a box of the queried photo.
function place(element, box) {
  const [width, height] = photoSize;
  element.style.left = `${(100 * box.x_min) / width}%`;
  element.style.top = `${(100 * box.y_min) / height}%`;
  element.style.width = `${(100 * (box.x_max - box.x_min)) / width}%`;
  element.style.height = `${(100 * (box.y_max - box.y_min)) / height}%`;
  element.hidden = false;
}

function sizeFrame(width, height) {
  photoSize = [width, height];
  $("frame").style.aspectRatio = `${width} / ${height}`;
  // A tall photo is not to push everything else off a small screen.
  $("frame").style.width = `min(100%, calc(42vh * ${width / height}))`;
}

function showQuery(answer) {
  const { query, box } = answer;
  const photo = $("query-photo");
  if (query.width && query.height) sizeFrame(query.width, query.height);
  if (subject.kind === "item") photo.src = `/v1/thumbnails/${query.photo_id}`;
  photo.alt = subject.kind === "item" ? query.title || "The item that was chosen" : "Your photo";
  $("frame").classList.toggle("lassoable", canDraw && subject.kind === "photo");
  $("query-box").hidden = !box;
  if (box && photoSize) place($("query-box"), box);
  const others = subject.kind === "photo" ? (answer.candidates || []).filter((c) => JSON.stringify(c.box) !== JSON.stringify(box)) : [];
  $("candidates").replaceChildren(...others.map((candidate, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "candidate";
    button.setAttribute("aria-label", `Search for the other dress, ${i + 1} of ${others.length}, ${percent(candidate.confidence)} sure`);
    place(button, candidate.box);
    button.onclick = () => choose(candidate.box);
    return button;
  }));
  $("model-box").hidden = !subject.box;
  showEdges(box);
  document.title = `${subject.kind === "item" ? query.title || query.product_id : "Your photo"} – Kleid`;
  const caption = $("caption");
  caption.replaceChildren();
  if (subject.kind === "item") {
    const title = document.createElement("strong");
    title.textContent = query.title || query.product_id;
    caption.append(title);
  } else if (answer.status === "no_dress") {
    caption.textContent = canDraw ? "Draw a box around the dress to search all the same." : "";
  } else if (subject.box) {
    caption.textContent = "Searching for what is in your box.";
  } else {
    const choice = others.length ? `Choose a dashed box${canDraw ? ", or draw one," : ""} to search for another dress.` : "";
    caption.textContent = choice || (canDraw ? "Not the right place? Draw a box around the dress." : "");
  }
}

// choose searches in another box of the photo; null is the model's own.
function choose(box) {
  subject.box = box && [box.x_min, box.y_min, box.x_max, box.y_max].join(",");
  refilter();
  search();
}

function showFacets(answer) {
  const focused = document.activeElement?.closest(".chip");
  const back = focused && [focused.dataset.facet, focused.dataset.label];
  $("described").hidden = answer.status !== "ok";
  $("price").hidden = !prices;
  $("summary").textContent = facets.map((facet) => where[facet.name] || answer.facets?.[facet.name]?.label).filter(Boolean).join(" · ");
  $("facets").replaceChildren(...facets.map((facet) => {
    const known = answer.facets?.[facet.name];
    const set = document.createElement("fieldset");
    set.className = "facet";
    set.dataset.facet = facet.name;
    const legend = document.createElement("legend");
    const name = document.createElement("b");
    name.textContent = facet.name;
    legend.append(name, where[facet.name] ? `is to be ${where[facet.name]}` : known ? `looks like ${known.label}${known.confident === false ? ", perhaps" : ""}` : "");
    const chips = document.createElement("div");
    chips.className = "chips";
    const colours = palette(facet, answer);
    // What the dress is comes first, so that it is in sight where chips scroll.
    const first = known ? [known.label] : [];
    chips.append(...["", ...first, ...facet.labels.filter((label) => !first.includes(label))].map((label) => chip(facet, label, known)));
    set.append(legend, ...(colours ? [colours] : []), chips);
    return set;
  }));
  if (back) document.querySelector(`.chip[data-facet="${CSS.escape(back[0])}"][data-label="${CSS.escape(back[1])}"]`)?.focus();
}

function chip(facet, label, known) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "chip";
  button.dataset.facet = facet.name;
  button.dataset.label = label;
  button.textContent = label || "any";
  const dot = swatch(facet, label);
  if (dot) button.prepend(dot);
  button.setAttribute("aria-pressed", String((where[facet.name] || "") === label));
  if (known && label && label === known.label) {
    button.classList.add("predicted");
    const share = document.createElement("small");
    share.textContent = known.source === "human" ? "sure" : percent(known.probability);
    button.append(" ", share);
    button.title = known.source === "human" ? "A person said so" : "What the model sees";
  } else if (known?.probabilities?.[label] !== undefined) {
    button.title = `${percent(known.probabilities[label])} likely`;
  }
  button.onclick = () => {
    const now = where[facet.name] || "";
    where = { ...where };
    delete where[facet.name];
    if (label && label !== now) where[facet.name] = label;
    search();
  };
  return button;
}

// swatch shows what a label looks like, of a facet whose labels are colours.
function swatch(facet, label) {
  if (!facet.swatches || !label) return null;
  const dot = document.createElement("i");
  dot.className = "swatch";
  const colour = facet.swatches[facet.labels.indexOf(label)];
  if (colour) dot.style.background = colour;
  return dot;
}

// palette is a bar of the dress's colours, each as wide as its share; null for a facet of other labels.
function palette(facet, answer) {
  if (!facet.swatches || !answer.colours?.length) return null;
  const bar = document.createElement("div");
  bar.className = "palette";
  bar.setAttribute("role", "img");
  bar.setAttribute("aria-label", answer.colours.map((c) => `${c.name} ${percent(c.share)}`).join(", "));
  bar.append(...answer.colours.map((c) => {
    const part = document.createElement("i");
    part.style.flexGrow = c.share;
    part.style.background = `lab(${c.l}% ${c.a} ${c.b})`;
    part.title = `${c.name}, ${percent(c.share)}`;
    return part;
  }));
  return bar;
}

function clear() {
  refilter();
  search();
}

function card(row, answer) {
  const node = $("card").content.firstElementChild.cloneNode(true);
  node.dataset.row = row.row_id;
  node.dataset.product = row.product_id;
  const image = node.querySelector("img");
  image.onerror = () => image.classList.add("missing");
  if (row.photo_id) image.src = `/v1/thumbnails/${row.photo_id}`;
  else image.classList.add("missing");
  const title = node.querySelector(".title");
  title.textContent = title.title = row.title || row.product_id; // a long name is cut
  node.querySelector(".price").textContent = price(row);
  if (answer) {
    node.dataset.similarity = row.similarity;
    node.querySelector(".similarity").textContent = row.photo_id && row.photo_id === answer.query.photo_id ? "the same photo" : `${percent(row.similarity)} alike`;
    const labels = facets.filter((facet) => row.facets?.[facet.name]).map((facet) => {
      const span = document.createElement("span");
      span.dataset.facet = facet.name;
      span.textContent = row.facets[facet.name].label;
      const dot = swatch(facet, span.textContent);
      const own = answer.facets?.[facet.name];
      if (own && own.label !== span.textContent) {
        span.className = "differs";
        span.title = `${facet.name}: not ${own.label}`;
        const unlike = document.createElement("span");
        unlike.className = "visually-hidden";
        unlike.textContent = `, not ${own.label}`;
        span.append(unlike);
      }
      if (dot) span.prepend(dot);
      return span;
    });
    node.querySelector(".labels").append(...labels);
  }
  node.querySelector("button").onclick = () => go({ kind: "item", rowId: row.row_id, picture: row.photo_id });
  const link = node.querySelector("a");
  if (/^https?:\/\//i.test(row.url || "")) {
    link.href = row.url;
    link.hidden = false;
    link.setAttribute("aria-label", `${row.title || row.product_id} in the shop, in a new tab`);
  }
  return node;
}

function percent(share) {
  return `${Math.round(100 * Math.max(0, share))} %`; // as the command line does
}

function price(row) {
  if (row.price === undefined) return "";
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency: row.currency }).format(row.price);
  } catch {
    return [row.price, row.currency].filter(Boolean).join(" "); // not a currency that browsers know
  }
}

// go makes something the subject, and a page of its own in the browser's history.
function go(next) {
  visited.push(next);
  history.pushState({ page, n: visited.length - 1 }, ""); // its address comes with its search
  begin(next);
}

function begin(next, said) {
  hold();
  subject = next;
  refilter(said);
  shown = null;
  photoSize = null;
  document.body.dataset.fresh = "yes";
  $("query-box").hidden = true;
  $("lasso").hidden = true;
  $("candidates").replaceChildren();
  $("described").hidden = true;
  $("clear").hidden = true;
  $("model-box").hidden = true;
  $("edges").hidden = true;
  $("caption").textContent = "";
  document.title = title;
  const photo = $("query-photo");
  photo.removeAttribute("src"); // otherwise the former one is shown until this one is there
  photo.alt = "";
  photo.onload = () => {
    $("frame").hidden = false;
    if (!photoSize) sizeFrame(photo.naturalWidth, photo.naturalHeight);
  };
  if (subject.kind === "photo") photo.src = subject.url;
  else if (subject.picture) photo.src = `/v1/thumbnails/${subject.picture}`;
  scrollTo({ top: 0 });
  search();
}

async function take(files) {
  const chosen = [...(files || [])].find((f) => f.type.startsWith("image/")) || files?.[0];
  if (!chosen) return;
  try {
    // In memory, since it may be sent again when it is not at its place any more.
    const file = new Blob([await chosen.arrayBuffer()], { type: chosen.type });
    go({ kind: "photo", file, url: URL.createObjectURL(file), photoId: "", box: "" });
  } catch {
    say("This file cannot be read", "Choose another one.");
  }
}

async function start() {
  hold();
  running?.abort();
  running = null;
  subject = null;
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
    if (!subject) $("results").replaceChildren(...items.map((row) => card(row, null)));
  } catch (error) {
    if (!subject) fail(error);
  }
  if (!subject) refocus();
}

function home() {
  history.pushState(null, "", "/");
  start();
}

// restore shows what the address says: an earlier subject, an item, or the start, and its filters.
function restore(state) {
  const said = new URLSearchParams(location.hash.slice(1));
  const item = said.get("item");
  if (/^[0-9a-f]{64}$/.test(item)) begin({ kind: "item", rowId: item }, said);
  else if (state?.page === page) begin(visited[state.n], said);
  else start();
}

const sides = ["left", "top", "right", "bottom"];

// showEdges has the box of a photo as four numbers.
function showEdges(box) {
  $("edges").hidden = subject.kind !== "photo" || !photoSize;
  $("lasso").hidden = true;
  if ($("edges").hidden) return;
  const [width, height] = photoSize;
  const edges = box ? [box.x_min / width, box.y_min / height, box.x_max / width, box.y_max / height] : [0, 0, 1, 1];
  sides.forEach((side, i) => ($("edges-form").elements[side].value = Math.round(100 * edges[i])));
  readEdges();
}

// readEdges returns the box of the four numbers, and has the form say what is wrong with them.
function readEdges() {
  const { elements } = $("edges-form");
  const [left, top, right, bottom] = sides.map((side, i) => Math.round((elements[side].value / 100) * photoSize[i % 2]));
  elements.right.setCustomValidity(right > left ? "" : "Right must be more than left.");
  elements.bottom.setCustomValidity(bottom > top ? "" : "Bottom must be more than top.");
  return { x_min: left, y_min: top, x_max: right, y_max: bottom };
}

// A box is said in numbers by those who cannot draw one, and shown while it is.
function edges() {
  const form = $("edges-form");
  form.oninput = () => {
    const box = readEdges();
    const right = form.matches(":valid");
    $("query-box").hidden = right || !shown?.box;
    $("lasso").hidden = true;
    if (right) place($("lasso"), box);
  };
  $("edges").ontoggle = () => {
    if ($("edges").open || !shown) return;
    $("lasso").hidden = true;
    $("query-box").hidden = !shown.box;
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    choose(readEdges());
  };
}

// A box is drawn on the photo with a mouse or a pen.
function lasso() {
  const frame = $("frame");
  let from = null;
  const at = (event) => {
    const r = frame.getBoundingClientRect();
    const inside = (v) => Math.min(1, Math.max(0, v));
    return [inside((event.clientX - r.left) / r.width) * photoSize[0], inside((event.clientY - r.top) / r.height) * photoSize[1]];
  };
  const box = (event) => {
    const to = at(event);
    return {
      x_min: Math.round(Math.min(from[0], to[0])), y_min: Math.round(Math.min(from[1], to[1])),
      x_max: Math.round(Math.max(from[0], to[0])), y_max: Math.round(Math.max(from[1], to[1])),
    };
  };
  const large = (b) => b.x_max - b.x_min > photoSize[0] / 25 && b.y_max - b.y_min > photoSize[1] / 25;
  frame.onpointerdown = (event) => {
    if (event.pointerType === "touch" || subject?.kind !== "photo" || !photoSize || !shown || event.target.closest(".candidate")) return;
    event.preventDefault();
    from = at(event);
    frame.setPointerCapture(event.pointerId);
  };
  frame.onpointermove = (event) => {
    if (!from) return;
    const b = box(event);
    $("query-box").hidden = large(b) || !shown?.box;
    if (large(b)) place($("lasso"), b);
  };
  frame.onpointerup = (event) => {
    if (!from) return;
    const b = box(event);
    from = null;
    $("lasso").hidden = true;
    if (large(b)) choose(b);
  };
  frame.onpointercancel = () => {
    from = null;
    $("lasso").hidden = true;
    $("query-box").hidden = !shown?.box;
  };
}

$("photo").onchange = async (event) => {
  await take(event.target.files);
  event.target.value = ""; // so that the same file can be chosen again
};
$("clear").onclick = clear;
$("price").onchange = () => {
  const given = readLimits();
  if (!$("price").reportValidity()) return;
  limits = given;
  search();
};
$("model-box").onclick = () => choose(null);
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
lasso();
edges();
restore(null);
