// A card: a photo, what is said of it as to its facet, and what one may say.

import { DRESS, UNSEEN, picture } from "./api.js";
import { el, own, percent } from "./dom.js";
import { facetOf, judge, judgeName, state } from "./view.js";

// KEYS say labels, in their order. m, u and z are for something else.
const KEYS = "123456789abcdefghijklnopqrstvwxy";

// isMe says whether a judge's name is of who looks, in whatever letters; mineOf is what they said.
const isMe = name => judgeName(name).toLowerCase() === judge().toLowerCase();
const mineOf = votes => Object.entries(votes ?? {}).find(([name]) => isMe(name))?.[1];

let before; // the photo that a key has just labelled, and the id of the next one, to which the focus went

const words = label => label === UNSEEN ? "cannot be seen" : label;

// card makes a card. acts: say(item, label, as), which says whether it was said, large(item), and isLost: whether what was
// said of it last was not kept.
export function card(item, acts) {
  const labels = facetOf(item.facet).labels;
  const mine = mineOf(item.votes), dress = mineOf(item.dress_votes);
  const button = (text, name, onclick, { kind = "", pressed, key, share, title } = {}) => el("button", {
    type: "button", class: `chip ${kind}`, "data-name": name, "aria-pressed": pressed === undefined ? undefined : String(pressed), title,
    disabled: Boolean(state.overview.read_only), "aria-keyshortcuts": key,
    onclick: event => {
      if (event.detail > 1) return; // the second click of a double click would take back what the first one said
      before = undefined;
      onclick();
    },
  }, key ? el("kbd", { "aria-hidden": "true" }, key) : null, el("bdi", {}, text), share >= .01 ? el("small", {}, percent(share)) : null);
  const label = (l, text, kind, key) => button(text, `label ${l}`, () => acts.say(item, mine === l ? "" : l),
    { kind, key, pressed: mine === l, share: own(item.probabilities, l), title: l.length > 24 ? l : undefined });
  const isDress = (l, text) => button(text, `dress ${l}`, () => acts.say(item, dress === l ? "" : l, { facet: DRESS }), { kind: "quiet", pressed: dress === l });
  const e = el("li", { class: "card" + (mine || dress ? " judged" : "") + (acts.isLost ? " lost" : ""), tabindex: "-1", "data-id": item.id, "aria-label": `${item.name}: ${acts.isLost ? "not kept" : standing(item)[1]}` },
    el("button", { type: "button", class: "picture", "data-name": "picture", "aria-keyshortcuts": "z", title: "show it large", onclick: () => acts.large(item) },
      el("img", { src: picture(item.id), loading: "lazy", alt: `dress ${item.product}` })),
    el("div", { class: "said" }, ...said(item)),
    el("div", { class: "chips" },
      ...labels.map((l, i) => label(l, l, l === item.predicted && l !== item.label ? "model" : "", KEYS[i])),
      label(UNSEEN, words(UNSEEN), "quiet", "0"),
      button("another…", "another", () => another(item, labels, acts.say), { kind: "quiet" }),
      isDress("no", "no dress"), item.no_dress || item.dress_votes ? isDress("yes", "it is a dress") : null),
    acts.isLost ? el("p", { class: "not-kept" }, "What you said was not kept: say it again.") : null,
    el("p", { class: "name", title: item.name }, nameOf(item), item.set === "learned" ? " · learned from" : ""));
  e.addEventListener("keydown", event => key(event, item, labels, acts));
  activate(e, false);
  return e;
}

// nameOf is how a photo is called, which leads to where more of it is seen.
export function nameOf(item) {
  const name = [item.title, item.name].filter(Boolean).join(" · ");
  return item.link ? el("a", { href: item.link, target: "_blank", rel: "noreferrer", title: `${item.name}, at ${item.link}` }, name) : name;
}

// imported is how that is called which holds while nobody judges.
const imported = () => state.overview.index ? "in the index, by people" : "imported";

// standing is who says what holds now.
function standing(item) {
  const { index } = state.overview;
  if (item.no_dress) return [Object.values(item.dress_votes ?? {}).includes("no") ? "people say" : index ? "in the index" : "imported", "no dress"];
  const voted = Object.keys(item.votes ?? {}).length > 0 || item.at_odds;
  if (!voted && !item.label) return index ? ["people say", "nothing yet"] : ["label", "none yet"];
  return [voted ? "people say" : imported(), item.at_odds ? "at odds" : item.unseen ? words(UNSEEN) : item.label || "–"];
}

// said has as many lines before one judges as after, so that the chips stay where they are.
function said(item) {
  const line = (who, what) => el("p", {}, el("span", {}, el("bdi", {}, who)), what);
  const text = (name, what) => el(name, {}, el("bdi", {}, what));
  const [who, what] = standing(item), voted = who === "people say";
  const lines = item.imported
    ? [line("people say", voted ? text("b", what) : "–"), line(imported(), text(voted ? what === item.imported ? "span" : "s" : "b", item.imported))]
    : [line(who, text("b", what))];
  if (item.predicted) {
    const right = item.label ? (item.label === item.predicted ? "right" : "wrong") : "";
    lines.push(line("the model says", el("b", { class: right }, el("bdi", {}, item.predicted), ` ${percent(item.probability)}`)));
  }
  for (const [name, vote] of Object.entries(item.votes ?? {})) if (!isMe(name)) lines.push(line(name, el("bdi", {}, words(vote))));
  for (const [name, vote] of Object.entries(item.dress_votes ?? {})) if (!isMe(name)) lines.push(line(name, vote === "no" ? "no dress" : "it is a dress"));
  return lines;
}

function another(item, labels, say) {
  const later = state.overview.index ? "; the index has it when the model has learned it" : "";
  const label = prompt(`Another ${item.facet} than those that there are${later}:`)?.trim().replace(/\s+/g, " ");
  if (!label) return;
  const known = labels.find(l => l.toLowerCase() === label.toLowerCase());
  say(item, known ?? label, { isNew: !known });
}

// activate makes a card the one that Tab goes to, and into: there is one at a time, and arrows go to the others.
export function activate(e, active = true) {
  for (const place of [e, ...e.querySelectorAll("a, button")]) place.tabIndex = active ? 0 : -1;
}

function key(event, item, labels, { say, large }) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const here = event.currentTarget, cards = [...here.parentElement.children], at = cards.indexOf(here);
  const columns = getComputedStyle(here.parentElement).gridTemplateColumns.split(" ").length;
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns, ArrowDown: at + columns }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    before = undefined;
    return cards[to]?.focus();
  }
  const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (pressed === "Enter" && event.target !== here) return; // a button of the card
  const label = pressed === "0" ? UNSEEN : pressed === "Enter" ? item.label : pressed === "m" ? item.predicted : labels[KEYS.indexOf(pressed)];
  if (!label && pressed !== "u" && pressed !== "z") return;
  event.preventDefault();
  if (event.repeat) return; // a key that is held down is said once
  if (pressed === "z") return large(item);
  const just = before;
  before = undefined;
  if (pressed !== "u") {
    if (!say(item, label)) return;
    before = { item, next: cards[at + 1]?.dataset.id };
    cards[at + 1]?.focus();
  } else if (just?.next === item.id && just.item.facet === item.facet) {
    say(just.item, "");
    cards.find(c => c.dataset.id === just.item.id)?.focus();
  } else if (mineOf(item.votes)) {
    say(item, "");
  } else if (mineOf(item.dress_votes)) {
    say(item, "", { facet: DRESS });
  }
}
