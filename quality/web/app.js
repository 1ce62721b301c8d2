// The page of kleid quality: what a model says of labelled photos, and people's judgements of them.

const $ = id => document.getElementById(id);
const UNSEEN = "unknown";
const SHOWS = [
  ["disagree", "Model disagrees"], ["unlabelled", "No label"], ["at_odds", "Judges at odds"],
  ["second", "Needs a second judge"], ["mine", "Judged by me"], ["all", "All"],
];
const PAGE = 48;

let overview;
let view = { facet: "", show: "", label: "", predicted: "" };
let items = [], total = 0, loading = 0;

// el makes an element: properties, then children.
function el(name, properties = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) e.addEventListener(key.slice(2), value);
    else if (key === "class") e.className = value;
    else if (value !== false && value !== undefined) e.setAttribute(key, value === true ? "" : value);
  }
  e.append(...children.filter(c => c !== undefined && c !== null));
  return e;
}

const percent = share => `${Math.round(100 * share)}%`;
const two = number => number.toFixed(2);

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The program does not answer: start kleid quality again, and nothing that you said is lost.");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || `The program answered ${response.status}.`);
  return answer;
}

let quiet;
function fail(error) {
  $("failure").textContent = error.message;
  $("failure").hidden = false;
  clearTimeout(quiet);
  quiet = setTimeout(() => { $("failure").hidden = true; }, 8000);
}

// The address keeps what is looked at, so that it can be sent to somebody.
function read() {
  const q = new URLSearchParams(location.hash.slice(1));
  const facet = overview.facets.find(f => f.facet === q.get("facet")) || overview.facets[0];
  view = { facet: facet.facet, show: q.get("show") || "", label: q.get("label") || "", predicted: q.get("predicted") || "" };
  if (!SHOWS.some(([show]) => show === view.show)) {
    view.show = view.label || view.predicted ? "all" : facet.show.disagree ? "disagree" : facet.show.unlabelled ? "unlabelled" : "all";
  }
}
function go(change) {
  const next = { ...view, ...change };
  location.hash = new URLSearchParams(Object.entries(next).filter(([, v]) => v)).toString();
}
window.addEventListener("hashchange", () => { read(); showReport(); load(false); });

const facetNow = () => overview.facets.find(f => f.facet === view.facet);

function showReport() {
  const facet = facetNow();
  document.title = `${view.facet} · Kleid quality`;
  $("dataset").textContent = `${overview.dataset}, ${overview.photos.toLocaleString("en")} photos`;
  $("facets").replaceChildren(...overview.facets.map(f => el("a", {
    href: "#" + new URLSearchParams({ facet: f.facet }), "aria-current": f.facet === view.facet ? "page" : undefined,
  }, el("span", {}, f.facet), el("b", {}, f.measured ? two(f.macro_f1) : "–"))));
  $("facet-name").textContent = view.facet;
  $("figures").replaceChildren(...(facet.measured ? [
    "macro F1 ", el("b", {}, two(facet.macro_f1)), ", weighted ", el("b", {}, two(facet.weighted_f1)), ", right ", el("b", {}, percent(facet.accuracy)),
    ` of ${facet.measured} photos${overview.apart ? " that the model has not learned from" : ""}`,
  ] : ["no predictions of labelled photos: give them with --predictions"]));
  showLabels(facet);
  showConfusion(facet);
  $("shows").replaceChildren(...SHOWS.map(([show, text]) => el("button", {
    class: "chip", type: "button", "aria-pressed": String(view.show === show), onclick: () => go({ show, label: "", predicted: "" }),
  }, text, facet.show[show] === undefined ? (["second", "mine"].includes(show) ? null : el("small", {}, "0")) : el("small", {}, String(facet.show[show])))));
}

function showLabels(facet) {
  const link = (text, change) => el("button", { type: "button", onclick: () => go({ show: "all", label: "", predicted: "", ...change }) }, text);
  if (!facet.reports.length) return $("labels").replaceChildren();
  $("labels").replaceChildren(
    el("caption", {}, "Labels; those of 10 photos or more count"),
    el("thead", {}, el("tr", {}, ...["label", "photos", "precision", "recall", "F1"].map(t => el("th", { scope: "col" }, t)))),
    el("tbody", {}, ...facet.reports.map(r => el("tr", {},
      el("th", { scope: "row" }, link(r.label, { label: r.label })), el("td", {}, String(r.count)),
      el("td", {}, link(percent(r.precision), { predicted: r.label, show: "disagree" })), el("td", {}, link(percent(r.recall), { label: r.label, show: "disagree" })),
      el("td", { class: "rate" }, `${two(r.f1)} `, meter(r.f1))))));
}

function meter(share) {
  const bar = el("i");
  bar.style.width = percent(share);
  return el("span", { class: "meter" }, bar);
}

function showConfusion(facet) {
  const { labels, counts } = facet.confusion;
  if (!labels?.length) return $("confusion").replaceChildren();
  const others = counts.some(row => row[labels.length] > 0);
  const columns = others ? [...labels, "other"] : labels;
  $("confusion").replaceChildren(
    el("caption", {}, "Rows: what people say. Columns: what the model says."),
    el("thead", {}, el("tr", {}, el("td"), ...columns.map(l => el("th", { scope: "col" }, el("span", {}, l))))),
    el("tbody", {}, ...labels.map((label, i) => {
      const sum = Math.max(1, counts[i].reduce((a, b) => a + b, 0));
      return el("tr", {}, el("th", { scope: "row" }, label), ...columns.map((predicted, j) => {
        const n = counts[i][j], other = j === labels.length;
        const pressed = view.label === label && view.predicted === predicted;
        const cell = n && !other
          ? el("button", { type: "button", "aria-pressed": String(pressed), "aria-label": `${n} photos of ${label} that the model takes for ${predicted}`, onclick: () => go({ show: "all", label, predicted }) }, String(n))
          : el("span", {}, n ? String(n) : "");
        cell.style.setProperty("--share", String(n / sum));
        return el("td", { class: (i === j ? "right" : "") + (n / sum > .55 ? " strong" : "") }, cell);
      }));
    })));
}

async function load(more) {
  const turn = ++loading;
  const q = new URLSearchParams({ ...view, judge: judge(), offset: more ? items.length : 0, limit: PAGE });
  try {
    const page = await ask("/api/photos?" + q);
    if (turn !== loading) return; // somebody has gone on
    items = more ? [...items, ...page.items] : page.items;
    total = page.total;
  } catch (error) {
    return fail(error);
  }
  if (more) $("photos").append(...items.slice($("photos").children.length).map(card));
  else $("photos").replaceChildren(...items.map(card));
  showStatus();
}

function showStatus() {
  const what = [view.label && `labelled ${view.label}`, view.predicted && `taken for ${view.predicted}`].filter(Boolean).join(", ");
  const text = total === 0 ? "No photos here." : `${total.toLocaleString("en")} ${total === 1 ? "photo" : "photos"}${what ? ", " + what : ""}${view.show === "disagree" ? "; what the model is surest of comes first" : ""}.`;
  $("status").replaceChildren(text, what ? el("button", { type: "button", onclick: () => go({ label: "", predicted: "" }) }, "all labels") : "");
  $("more").hidden = items.length >= total;
}
$("more").addEventListener("click", async () => {
  const from = $("photos").children.length;
  await load(true);
  $("photos").children[from]?.focus();
});

// card shows a photo, what is said of it, and what one may say.
function card(item) {
  const facet = facetNow();
  const votes = item.votes || {}, own = votes[judge()];
  const others = Object.entries(votes).filter(([name]) => name !== judge());
  const chip = (label, text, extra = "", number) => el("button", {
    type: "button", class: `chip ${extra}`, tabindex: "-1", "aria-pressed": String(own === label), title: number ? `key ${number}` : undefined,
    onclick: () => say(item, own === label ? "" : label),
  }, text, item.probabilities?.[label] >= .01 ? el("small", {}, percent(item.probabilities[label])) : null);
  const said = [el("p", {}, el("span", {}, item.no_dress ? "no dress" : Object.keys(votes).length ? "people say" : "imported"), el("b", {}, item.no_dress ? "" : item.at_odds ? "at odds" : item.label || "–"))];
  if (item.imported && item.imported !== item.label) said.push(el("p", {}, el("span", {}, "imported"), el("s", {}, item.imported)));
  if (item.predicted) said.push(el("p", {}, el("span", {}, "the model says"), el("b", { class: item.label && item.label !== item.predicted ? "wrong" : item.label ? "right" : "" }, `${item.predicted} ${percent(item.probability)}`)));
  for (const [name, label] of others) said.push(el("p", {}, el("span", {}, name), label === UNSEEN ? "cannot be seen" : label));
  const e = el("li", { class: "card" + (own ? " judged" : ""), tabindex: "0", "data-id": item.id, "aria-label": `${item.name}: ${item.label || "no label"}` },
    el("img", { src: `/api/photos/${item.id}/picture`, loading: "lazy", alt: `dress ${item.product}` }),
    el("div", { class: "said" }, ...said),
    el("div", { class: "chips" }, ...facet.labels.map((l, i) => chip(l, l, l === item.predicted && l !== item.label ? "model" : "", i < 9 ? i + 1 : undefined)),
      chip(UNSEEN, "cannot be seen", "quiet", 0),
      el("button", { type: "button", class: "chip quiet", tabindex: "-1", onclick: () => another(item) }, "another…"),
      el("button", { type: "button", class: "chip quiet", tabindex: "-1", "aria-pressed": String(Boolean(item.no_dress)), onclick: () => say(item, item.no_dress ? "yes" : "no", "is_dress") }, "no dress")),
    el("p", { class: "name", title: item.name }, item.name + (item.set === "learned" ? " · learned from" : "")));
  e.addEventListener("keydown", event => key(event, item, own));
  return e;
}

function another(item) {
  const label = prompt(`Another ${view.facet} than those that there are:`)?.trim();
  if (label) say(item, label);
}

function key(event, item, own) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const cards = [...$("photos").children], at = cards.indexOf(event.currentTarget);
  const columns = getComputedStyle($("photos")).gridTemplateColumns.split(" ").length;
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns, ArrowDown: at + columns }[event.key];
  if (to !== undefined) {
    cards[to]?.focus();
  } else if (event.target !== event.currentTarget) {
    return; // a button of the card
  } else if (/^[1-9]$/.test(event.key) && facetNow().labels[event.key - 1]) {
    say(item, facetNow().labels[event.key - 1]);
  } else if (event.key === "0") {
    say(item, UNSEEN);
  } else if (event.key === "Enter" && item.label) {
    say(item, item.label);
  } else if (event.key === "m" && item.predicted) {
    say(item, item.predicted);
  } else if (event.key === "u" && own) {
    say(item, "");
  } else {
    return;
  }
  event.preventDefault();
}

const judge = () => $("judge").value.trim();
$("judge").value = localStorage.getItem("judge") || "";
$("judge").addEventListener("change", () => { localStorage.setItem("judge", judge()); document.querySelector(".judge").classList.remove("missing"); load(false); });

async function say(item, label, facet = view.facet) {
  if (!judge()) {
    document.querySelector(".judge").classList.add("missing");
    $("judge").focus();
    return fail(new Error("Say who you are first: judgements have a name."));
  }
  let now;
  try {
    now = await ask("/api/judgements", {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ judge: judge(), id: item.id, facet, label, shown: view.facet }),
    });
  } catch (error) {
    return fail(error);
  }
  const i = items.findIndex(other => other.id === item.id);
  if (i >= 0) items[i] = now;
  const old = document.querySelector(`[data-id="${item.id}"]`);
  if (old) {
    const focused = old.contains(document.activeElement);
    const fresh = card(now);
    old.replaceWith(fresh);
    if (focused) fresh.focus();
  }
  refresh();
}

// refresh brings the figures up to date, when nobody has judged for a moment.
let waiting;
function refresh() {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    try {
      overview = await ask("/api/overview");
      showReport();
    } catch (error) {
      fail(error);
    }
  }, 400);
}

try {
  overview = await ask("/api/overview");
  read();
  showReport();
  await load(false);
} catch (error) {
  fail(error);
}
