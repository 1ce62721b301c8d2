// How dataset and model stand: facets, figures, labels, and what is taken for what.

import { $, count, el, own, percent, redraw, two } from "./dom.js";
import { OFTHEJUDGE, SHOWS, facetOf, go, goTo, state } from "./view.js";

const MANY = 10; // photos of a label that counts in macro F1

export function showReport() {
  const { overview, view } = state;
  const facet = facetOf(view.facet);
  document.title = `${view.facet} · Kleid quality`;
  $("dataset").textContent = `${overview.dataset}, ${count(overview.photos)} photos`;
  showNotes();
  redraw($("facets"), ...overview.facets.map(f => el("a", {
    href: "#" + new URLSearchParams({ facet: f.facet }), "aria-current": f.facet === view.facet ? "page" : undefined,
  }, el("span", {}, f.facet), figure(f))));
  $("facet-name").textContent = view.facet;
  $("figures").replaceChildren(...figures(facet));
  showLabels(facet);
  showConfusion(facet);
  $("report").classList.toggle("bare", !$("labels").rows.length);
  const chip = (text, pressed, number, onclick) => el("button", { class: "chip", type: "button", "aria-pressed": String(pressed), onclick },
    text, number === undefined ? null : el("small", {}, count(number)));
  const shows = SHOWS.filter(([show]) => show !== "missed" || view.show === show || facet.measured && facet.show.missed);
  redraw($("shows"), ...shows.map(([show, text]) => chip(text, view.show === show, OFTHEJUDGE.includes(show) ? undefined : facet.show[show] ?? 0,
    () => go({ show, label: "", predicted: "" }))),
  ...(overview.apart ? [chip("Only photos that the model has not learned from", view.set === "apart", undefined, () => go({ set: view.set === "apart" ? "" : "apart" }))] : []));
}

// showNotes says what keeps the figures from being those of the whole dataset.
function showNotes() {
  const { bad, strays, read_only: why } = state.overview;
  const notes = [
    bad && `${count(bad)} ${bad === 1 ? "photo or row" : "photos or rows"} of the dataset could not be used`,
    strays && `people judged ${count(strays)} ${strays === 1 ? "photo that is" : "photos that are"} not here, or in which the dress is elsewhere now`,
    why && `nothing can be judged: ${why}`,
  ].filter(Boolean);
  $("notes").textContent = notes.join(" · ");
  $("notes").hidden = !notes.length;
}

const sum = counts => Object.values(counts ?? {}).reduce((a, b) => a + b, 0);
const hasMany = facet => facet.reports.some(r => r.count >= MANY);

// figure is the one figure of a facet: F1, or how many labels there are where no model has said anything.
function figure(facet) {
  if (state.overview.facets.some(f => f.measured)) return el("b", { title: "macro F1" }, hasMany(facet) ? two(facet.macro_f1) : "–");
  return el("b", { title: "photos with a label" }, count(sum(facet.counts)));
}

function figures(facet) {
  const b = text => el("b", {}, text);
  if (!sum(facet.counts)) return ["No photo has a label yet. Give some: those of which the model is least sure come first"];
  if (!facet.measured) return [b(count(sum(facet.counts))), " photos with a label; no predictions of them: --predictions gives them"];
  const macro = hasMany(facet) ? ["macro F1 ", b(two(facet.macro_f1)), ", "] : [];
  const missed = facet.show.missed ?? 0;
  return [...macro, "weighted F1 ", b(two(facet.weighted_f1)), ", right ", b(percent(facet.accuracy)),
    ` of ${count(facet.measured)} photos${state.overview.apart ? " that the model has not learned from" : ""}`,
    missed ? `; without a prediction: ${count(missed)} labelled ${missed === 1 ? "photo" : "photos"}` : ""];
}

// link is a number or label that leads to its photos.
function link(text, title, change) {
  const { view } = state;
  const there = { show: "all", label: "", predicted: "", ...change };
  const pressed = ["show", "label", "predicted"].every(name => view[name] === there[name]);
  return el("button", { type: "button", title, "aria-pressed": String(pressed), onclick: () => goTo(change) }, text);
}

function showLabels(facet) {
  const head = (...titles) => el("thead", {}, el("tr", {}, ...titles.map(t => el("th", { scope: "col" }, t))));
  const name = label => el("th", { scope: "row" }, link(el("bdi", {}, label), label, { label }));
  if (facet.reports.length) {
    return redraw($("labels"),
      el("caption", {}, hasMany(facet) ? `Labels; those of ${MANY} photos or more count in macro F1` : "Labels"),
      head("label", "photos", "precision", "recall", "F1"),
      el("tbody", {}, ...facet.reports.map(r => el("tr", {},
        name(r.label), el("td", {}, count(r.count)),
        el("td", {}, link(percent(r.precision), `photos that the model wrongly takes for ${r.label}`, { predicted: r.label, show: "disagree" })),
        el("td", {}, link(percent(r.recall), `photos of ${r.label} that the model takes for something else`, { label: r.label, show: "disagree" })),
        el("td", { class: "rate" }, two(r.f1), meter(r.f1))))));
  }
  const counted = facet.labels.map(label => [label, own(facet.counts, label) ?? 0]);
  const most = Math.max(...counted.map(([, n]) => n), 0);
  if (!most) return redraw($("labels"));
  redraw($("labels"),
    el("caption", {}, "Labels that people give"), head("label", "photos"),
    el("tbody", {}, ...counted.map(([label, n]) => el("tr", {},
      n ? name(label) : el("th", { scope: "row" }, el("bdi", {}, label)),
      el("td", { class: "rate" }, n ? link(count(n), `photos of ${label}`, { label }) : "0", meter(n / most))))));
}

function meter(share) {
  const bar = el("i");
  bar.style.width = percent(share);
  return el("span", { class: "meter" }, bar);
}

function showConfusion(facet) {
  const { labels, counts } = facet.confusion;
  if (!facet.reports.length) return redraw($("confusion"));
  redraw($("confusion"),
    el("caption", {}, "Rows: what people say. Columns: what the model says."),
    el("thead", {}, el("tr", {}, el("td"), ...labels.map(l => el("th", { scope: "col" }, el("span", { title: l }, el("bdi", {}, l)))))),
    el("tbody", {}, ...labels.flatMap((label, i) => sum(counts[i]) ? [el("tr", {}, el("th", { scope: "row", title: label }, el("bdi", {}, label)),
      ...labels.map((predicted, j) => cell(counts[i], label, predicted, i, j)))] : [])));
}

function cell(row, label, predicted, i, j) {
  const n = row[j];
  const inner = n ? link(count(n), undefined, { label, predicted }) : el("span");
  if (n) inner.setAttribute("aria-label", `${count(n)} ${n === 1 ? "photo" : "photos"} of ${label} that the model takes for ${predicted}`);
  inner.style.setProperty("--share", String(n / sum(row)));
  return el("td", { class: i === j ? "right" : undefined }, inner);
}
