// What is looked at, which the address keeps, so that it can be sent to somebody; and who looks.

import { $ } from "./dom.js";

const OFDATASET = [
  ["disagree", "Model disagrees"], ["unlabelled", "No label"], ["at_odds", "Judges at odds"], ["second", "Needs a second judge"],
  ["mine", "Judged by me"], ["no_dress", "No dress"], ["missed", "No prediction"], ["all", "All"],
];
const OFINDEX = [
  ["unlabelled", "By the model"], ["disagree", "Corrected for tonight"], ["labelled", "By people"], ["at_odds", "Judges at odds"],
  ["second", "Needs a second judge"], ["mine", "Judged by me"], ["no_dress", "No dress"], ["all", "All"],
];
// shows are the choices of photos, with their names.
export const shows = () => state.overview.index ? OFINDEX : OFDATASET;
export const OFTHEJUDGE = ["second", "mine"]; // of which the program does not know how many there are

// state is what the program says of all photos, and which of them are looked at. arriving: somebody has clicked a number,
// and is to be led to its photos. run: that of the index when its photos were listed.
export const state = { overview: undefined, run: undefined, view: { facet: "", show: "", label: "", predicted: "", set: "" }, arriving: false };

// judgeName is a name as the program keeps it.
export const judgeName = name => name.trim().replace(/\s+/g, " ").normalize();
export const judge = () => judgeName(state.overview?.judge || $("judge").value);
export const facetOf = name => state.overview.facets.find(f => f.facet === name);

// take takes a new overview. Labels stay where they were, and new ones go to the end, so that keys mean what they meant.
export function take(overview) {
  for (const facet of overview.facets) {
    const before = state.overview && facetOf(facet.facet)?.labels;
    if (before) facet.labels = [...before.filter(l => facet.labels.includes(l)), ...facet.labels.filter(l => !before.includes(l))];
  }
  state.overview = overview;
  state.run ??= overview.index?.run;
}

// isOld says whether the index has been made anew since.
export const isOld = () => state.run !== state.overview.index?.run;

export function read() {
  const q = new URLSearchParams(location.hash.slice(1));
  const facet = facetOf(q.get("facet")) || state.overview.facets[0];
  const view = { facet: facet.facet, show: q.get("show") || "", label: q.get("label") || "", predicted: q.get("predicted") || "", set: q.get("set") || "" };
  if (!shows().some(([show]) => show === view.show)) {
    const first = state.overview.index ? ["unlabelled"] : ["disagree", "unlabelled"];
    view.show = !view.label && !view.predicted && first.find(show => facet.show[show]) || "all";
  }
  if (!state.overview.apart || !["apart", "learned"].includes(view.set)) view.set = "";
  state.view = view;
}

// go looks at something else. What follows is done when the address has changed.
export function go(change) {
  const next = Object.entries({ ...state.view, ...change }).filter(([, value]) => value);
  const before = location.hash;
  location.hash = new URLSearchParams(next).toString();
  if (location.hash === before) window.dispatchEvent(new Event("hashchange"));
}

// goTo leads to the photos behind a number, which is of those that the model has not learned from, where it is known.
export function goTo(change) {
  state.arriving = true;
  go({ show: "all", label: "", predicted: "", set: state.overview.apart ? "apart" : "", ...change });
}

// renew leads to the photos of the index that was made anew, of the same kind.
export function renew() {
  state.arriving = true;
  go({});
}
