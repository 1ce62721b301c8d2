// Dresses as cards: what they cost, how alike they are, and where they differ.

import { $, percent } from "./dom.js";
import { swatch } from "./facets.js";
import { state } from "./state.js";

// card is a row of the index, with how like the dress of an answer it is, if there is one; open makes it the next subject.
export function card(row, answer, open) {
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
    const labels = state.facets.filter((facet) => row.facets?.[facet.name]).map((facet) => {
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
  node.querySelector("button").onclick = () => open({ kind: "item", rowId: row.row_id, picture: row.photo_id });
  const link = node.querySelector("a");
  if (/^https?:\/\//i.test(row.url || "")) {
    link.href = row.url;
    link.hidden = false;
    link.setAttribute("aria-label", `${row.title || row.product_id} in the shop, in a new tab`);
  }
  return node;
}

function price(row) {
  if (row.price === undefined) return "";
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency: row.currency }).format(row.price);
  } catch {
    return [row.price, row.currency].filter(Boolean).join(" "); // not a currency that browsers know
  }
}

// ghosts keep the place of cards that are on their way.
export function ghosts() {
  $("results").replaceChildren(...Array.from({ length: 8 }, () => {
    const li = document.createElement("li");
    li.className = "ghost";
    li.setAttribute("aria-hidden", "true");
    li.innerHTML = '<span class="picture"></span>';
    return li;
  }));
}
