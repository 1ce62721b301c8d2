// How dataset and model stand: facets, figures, labels, and what is taken for what.

import { $, count, el, own, percent, redraw, two } from "./dom.js";
import { OFTHEJUDGE, facetOf, go, goTo, isOld, renew, shows, state } from "./view.js";

const MANY = 10; // photos of a label that counts in macro F1

export function showReport() {
  const { overview, view } = state;
  const facet = facetOf(view.facet);
  document.title = `${view.facet} · Kleid quality`;
  $("dataset").textContent = `${overview.dataset}, ${count(overview.photos)} photos${overview.index ? `, indexed ${time(overview.index.made)}` : ""}`;
  $("dataset").title = [overview.index && `run ${overview.index.run}`, overview.facet_model && `labels by the model ${overview.facet_model}`].filter(Boolean).join(", ");
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
  const choices = shows().filter(([show]) => show !== "missed" || view.show === show || facet.measured && facet.show.missed);
  redraw($("shows"), ...choices.map(([show, text]) => chip(text, view.show === show, OFTHEJUDGE.includes(show) ? undefined : facet.show[show] ?? 0,
    () => go({ show, label: "", predicted: "" }))),
  ...(overview.apart ? [chip("Only photos that the model has not learned from", view.set === "apart", undefined, () => go({ set: view.set === "apart" ? "" : "apart" }))] : []));
}

const time = text => new Date(text).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });

// showNotes says what keeps the figures from being those of the whole dataset, and that there is a newer index.
function showNotes() {
  const { bad, strays, read_only: why, index } = state.overview;
  const photos = index ? ["photo", "photos"] : ["photo or row", "photos or rows"];
  const notes = [
    bad && `${count(bad)} ${bad === 1 ? photos[0] : photos[1]} of the ${index ? "catalogue" : "dataset"} could not be used`,
    strays && `people judged ${count(strays)} ${strays === 1 ? "photo that is" : "photos that are"} not here, or in which the dress is elsewhere now`,
    why && `nothing can be judged: ${why}`,
  ].filter(Boolean);
  const fresh = isOld() ? el("span", { id: "fresh", role: "status" }, `The index was made anew, ${time(index.made)}. `,
    el("button", { type: "button", onclick: renew }, "Show it"), notes.length ? " · " : "") : "";
  redraw($("notes"), fresh, notes.join(" · "));
  $("notes").hidden = !fresh && !notes.length;
}

const sum = counts => Object.values(counts ?? {}).reduce((a, b) => a + b, 0);
const hasMany = facet => facet.reports.some(r => r.count >= MANY);

// byModel is how many labels of a facet are the model's alone, and the share of them that is to be right.
function byModel(facet) {
  const labels = sum(facet.predicted.map(p => p.count));
  return { labels, right: sum(facet.predicted.map(p => p.count * p.right)) / labels };
}

// figure is the one figure of a facet: F1, or how many labels there are where no model has said anything; of an index the
// share that is to be right.
function figure(facet) {
  if (state.overview.index) {
    const { labels, right } = byModel(facet);
    return el("b", { title: "of the model's labels, expected to be right" }, labels ? percent(right) : "–");
  }
  if (state.overview.facets.some(f => f.measured)) return el("b", { title: "macro F1" }, hasMany(facet) ? two(facet.macro_f1) : "–");
  return el("b", { title: "photos with a label" }, count(sum(facet.counts)));
}

function figures(facet) {
  const b = text => el("b", {}, text);
  if (state.overview.index) {
    const { labels, right } = byModel(facet), people = sum(facet.counts);
    const model = labels ? [`${count(labels)} ${labels === 1 ? "label" : "labels"} by the model, which expects `, b(percent(right)), " of them to be right"] : ["no label by the model alone"];
    return [...model, people ? `; ${count(people)} by people` : ""];
  }
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
  if (state.overview.index) return showLabelsOfIndex(facet, head);
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

// showLabelsOfIndex shows whose the labels are; behind each number are its photos, of the model's the least sure first.
function showLabelsOfIndex(facet, head) {
  const rows = facet.labels.map(label => [label, facet.predicted.find(p => p.label === label), own(facet.counts, label) ?? 0]).filter(([, model, people]) => model || people);
  redraw($("labels"),
    el("caption", {}, "Labels in the index. How many of its own are right is what the model expects"),
    head("label", "by people", "by model", "expected right"),
    el("tbody", {}, ...rows.map(([label, model, people]) => el("tr", {},
      el("th", { scope: "row" }, el("bdi", {}, label)),
      el("td", {}, people ? link(count(people), `photos that people call ${label}`, { label, show: "labelled" }) : "0"),
      el("td", {}, model ? link(count(model.count), `photos that the model takes for ${label}`, { predicted: label, show: "unlabelled" }) : "0"),
      el("td", { class: "rate" }, model ? percent(model.right) : "–", meter(model?.right ?? 0))))));
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
