// Elements of the page: how they are made, and drawn again without taking the keyboard's place away.

export const $ = id => document.getElementById(id);

// el makes an element: properties, then children.
export function el(name, properties = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) e.addEventListener(key.slice(2), value);
    else if (key === "class") e.className = value;
    else if (value !== false && value !== undefined) e.setAttribute(key, value === true ? "" : value);
  }
  e.append(...children.filter(c => c !== undefined && c !== null));
  return e;
}

// redraw puts new children in the place of old ones, and the focus on the one where it was.
export function redraw(parent, ...children) {
  const places = () => [...parent.querySelectorAll("a, button")];
  const at = places().indexOf(document.activeElement);
  parent.replaceChildren(...children);
  if (at >= 0) places()[at]?.focus({ preventScroll: true });
}

// own is what an object has under a name that somebody chose, which may be "constructor".
export const own = (object, name) => object && Object.hasOwn(object, name) ? object[name] : undefined;

export const percent = share => `${Math.round(100 * share)}%`;
export const two = number => number.toFixed(2);
export const count = number => number.toLocaleString("en");

// fail says what went wrong, until calm, so that nobody has to read it in a hurry.
export function fail(error) {
  $("failure-text").textContent = error.message;
  $("failure").hidden = false;
}
export function calm() {
  const held = $("failure").contains(document.activeElement);
  $("failure").hidden = true;
  if (held) $("status").focus({ preventScroll: true });
}
