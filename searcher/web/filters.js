// What results are to be: labels of facets, prices, and facets in which the dress itself does not count.

import { $ } from "./dom.js";
import { state } from "./state.js";

export let where = {}; // the label that is wanted of a facet
export let limits = {}; // of the price: {price_min, price_max}, those that were given
let ignored = []; // facets that an address says are overridden; once there is an answer, that says so

// toggle has a facet be a label, any where there is none, or where it was that label already.
export function toggle(facet, label) {
  const now = where[facet] || "";
  where = { ...where };
  delete where[facet];
  if (label && label !== now) where[facet] = label;
}

// takeLimits takes the prices of the form, and returns false where they are wrong, which the form says.
export function takeLimits() {
  const given = readLimits();
  if (!$("price").reportValidity()) return false;
  limits = given;
  return true;
}

// overridden are the facets that are to be another than the dress's own: what it looks like in them must not
// pull.
export function overridden() {
  if (!state.shown) return ignored;
  return Object.keys(where).filter((facet) => state.shown.facets?.[facet] && state.shown.facets[facet].label !== where[facet]);
}

// filters are what results are to be, as the API takes it and the page's address keeps it.
export function filters() {
  const query = new URLSearchParams(limits);
  for (const [facet, label] of Object.entries(where)) query.append("where", `${facet}=${label}`);
  for (const facet of overridden()) query.append("ignore", facet);
  return query;
}

// filterText says what results are to be; "" if that is anything.
export function filterText() {
  const { price_min: min, price_max: max } = limits;
  const range = [min !== undefined && `from ${min}`, max !== undefined && `to ${max}`].filter(Boolean).join(" ");
  return [...Object.entries(where), ...(range ? [["price", range]] : [])].map(([name, value]) => `${name}: ${value}`).join(", ");
}

// refilter takes the filters of an address, and forgets all others.
export function refilter(said = new URLSearchParams()) {
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
