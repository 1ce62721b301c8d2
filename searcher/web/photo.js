// The photo that is searched with: its frame, the dresses that were found in it, and the box that somebody draws or says in
// numbers.

import { $, percent } from "./dom.js";
import { state } from "./state.js";

let size = null; // [width, height] of the photo
let choose = null; // searches in another box; null is the model's own
export const canDraw = !matchMedia("(pointer: coarse)").matches; // fingers scroll

// clearPhoto makes place for the next subject's picture, and shows it as soon as it is there.
export function clearPhoto() {
  size = null;
  $("query-box").hidden = true;
  $("lasso").hidden = true;
  $("candidates").replaceChildren();
  $("model-box").hidden = true;
  $("edges").hidden = true;
  $("caption").textContent = "";
  const photo = $("query-photo");
  photo.removeAttribute("src"); // otherwise the former one is shown until this one is there
  photo.alt = "";
  photo.onload = () => {
    $("frame").hidden = false;
    if (!size) sizeFrame(photo.naturalWidth, photo.naturalHeight);
  };
  const { kind, url, picture } = state.subject;
  if (kind === "photo") photo.src = url;
  else if (picture) photo.src = `/v1/thumbnails/${picture}`;
}

// place puts an element over a box of the queried photo.
function place(element, box) {
  const [width, height] = size;
  element.style.left = `${(100 * box.x_min) / width}%`;
  element.style.top = `${(100 * box.y_min) / height}%`;
  element.style.width = `${(100 * (box.x_max - box.x_min)) / width}%`;
  element.style.height = `${(100 * (box.y_max - box.y_min)) / height}%`;
  element.hidden = false;
}

function sizeFrame(width, height) {
  size = [width, height];
  $("frame").style.aspectRatio = `${width} / ${height}`;
  // A tall photo is not to push everything else off a small screen.
  $("frame").style.width = `min(100%, calc(42vh * ${width / height}))`;
}

// showQuery shows the photo of an answer, and where dresses are.
export function showQuery(answer) {
  const { query, box } = answer;
  const photo = $("query-photo");
  if (query.width && query.height) sizeFrame(query.width, query.height);
  if (state.subject.kind === "item") photo.src = `/v1/thumbnails/${query.photo_id}`;
  photo.alt = state.subject.kind === "item" ? query.title || "The item that was chosen" : "Your photo";
  $("frame").classList.toggle("lassoable", canDraw && state.subject.kind === "photo");
  $("query-box").hidden = !box;
  if (box && size) place($("query-box"), box);
  const others = state.subject.kind === "photo" ? (answer.candidates || []).filter((c) => JSON.stringify(c.box) !== JSON.stringify(box)) : [];
  $("candidates").replaceChildren(...others.map((candidate, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "candidate";
    button.setAttribute("aria-label", `Search for the other dress, ${i + 1} of ${others.length}, ${percent(candidate.confidence)} sure`);
    place(button, candidate.box);
    button.onclick = () => choose(candidate.box);
    return button;
  }));
  $("model-box").hidden = !state.subject.box;
  showEdges(box);
  document.title = `${state.subject.kind === "item" ? query.title || query.product_id : "Your photo"} – Kleid`;
  const caption = $("caption");
  caption.replaceChildren();
  if (state.subject.kind === "item") {
    const title = document.createElement("strong");
    title.textContent = query.title || query.product_id;
    caption.append(title);
  } else if (answer.status === "no_dress") {
    caption.textContent = canDraw ? "Draw a box around the dress to search all the same." : "";
  } else if (state.subject.box) {
    caption.textContent = "Searching for what is in your box.";
  } else {
    const choice = others.length ? `Choose a dashed box${canDraw ? ", or draw one," : ""} to search for another dress.` : "";
    caption.textContent = choice || (canDraw ? "Not the right place? Draw a box around the dress." : "");
  }
}

const sides = ["left", "top", "right", "bottom"];

// showEdges has the box of a photo as four numbers.
function showEdges(box) {
  $("edges").hidden = state.subject.kind !== "photo" || !size;
  $("lasso").hidden = true;
  if ($("edges").hidden) return;
  const [width, height] = size;
  const edges = box ? [box.x_min / width, box.y_min / height, box.x_max / width, box.y_max / height] : [0, 0, 1, 1];
  sides.forEach((side, i) => ($("edges-form").elements[side].value = Math.round(100 * edges[i])));
  readEdges();
}

// readEdges returns the box of the four numbers, and has the form say what is wrong with them.
function readEdges() {
  const { elements } = $("edges-form");
  const [left, top, right, bottom] = sides.map((side, i) => Math.round((elements[side].value / 100) * size[i % 2]));
  elements.right.setCustomValidity(right > left ? "" : "Right must be more than left.");
  elements.bottom.setCustomValidity(bottom > top ? "" : "Bottom must be more than top.");
  return { x_min: left, y_min: top, x_max: right, y_max: bottom };
}

// A box is said in numbers by those who cannot draw one, and shown while it is.
function takeNumbers() {
  const form = $("edges-form");
  form.oninput = () => {
    const box = readEdges();
    const right = form.matches(":valid");
    $("query-box").hidden = right || !state.shown?.box;
    $("lasso").hidden = true;
    if (right) place($("lasso"), box);
  };
  $("edges").ontoggle = () => {
    if ($("edges").open || !state.shown) return;
    $("lasso").hidden = true;
    $("query-box").hidden = !state.shown.box;
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    choose(readEdges());
  };
}

// A box is drawn on the photo with a mouse or a pen.
function takeDrawing() {
  const frame = $("frame");
  let from = null;
  const at = (event) => {
    const r = frame.getBoundingClientRect();
    const inside = (v) => Math.min(1, Math.max(0, v));
    return [inside((event.clientX - r.left) / r.width) * size[0], inside((event.clientY - r.top) / r.height) * size[1]];
  };
  const box = (event) => {
    const to = at(event);
    return {
      x_min: Math.round(Math.min(from[0], to[0])), y_min: Math.round(Math.min(from[1], to[1])),
      x_max: Math.round(Math.max(from[0], to[0])), y_max: Math.round(Math.max(from[1], to[1])),
    };
  };
  const large = (b) => b.x_max - b.x_min > size[0] / 25 && b.y_max - b.y_min > size[1] / 25;
  frame.onpointerdown = (event) => {
    if (event.pointerType === "touch" || state.subject?.kind !== "photo" || !size || !state.shown || event.target.closest(".candidate")) return;
    event.preventDefault();
    from = at(event);
    frame.setPointerCapture(event.pointerId);
  };
  frame.onpointermove = (event) => {
    if (!from) return;
    const b = box(event);
    $("query-box").hidden = large(b) || !state.shown?.box;
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
    $("query-box").hidden = !state.shown?.box;
  };
}

// whenChosen has a function search in the box that somebody chooses, {x_min, y_min, x_max, y_max} in pixels, or, with null,
// in the model's own.
export function whenChosen(search) {
  choose = search;
  $("model-box").onclick = () => choose(null);
  takeNumbers();
  takeDrawing();
}
