// The facets of the dress that is searched for, as chips that filter.

import { $, percent } from "./dom.js";
import { toggle, where } from "./filters.js";
import { state } from "./state.js";

// showFacets shows what a dress looks like and what it may be like; changed is called when somebody filters.
export function showFacets(answer, changed) {
  const focused = document.activeElement?.closest(".chip");
  const back = focused && [focused.dataset.facet, focused.dataset.label];
  $("described").hidden = answer.status !== "ok";
  $("price").hidden = !state.prices;
  $("summary").textContent = state.facets.map((facet) => where[facet.name] || answer.facets?.[facet.name]?.label).filter(Boolean).join(" · ");
  $("facets").replaceChildren(...state.facets.map((facet) => {
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
    chips.append(...["", ...first, ...facet.labels.filter((label) => !first.includes(label))].map((label) => chip(facet, label, known, changed)));
    set.append(legend, ...(colours ? [colours] : []), chips);
    return set;
  }));
  if (back) document.querySelector(`.chip[data-facet="${CSS.escape(back[0])}"][data-label="${CSS.escape(back[1])}"]`)?.focus();
}

function chip(facet, label, known, changed) {
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
    toggle(facet.name, label);
    changed();
  };
  return button;
}

// swatch shows what a label looks like, of a facet whose labels are colours.
export function swatch(facet, label) {
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
