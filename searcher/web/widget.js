// Shows dresses that look like a product, on a shop's page:
//
//   <script src="https://kleid.shop.example/widget.js" data-product="ID" data-k="6" async></script>
//
// data-where="neckline=v-neck; sleeve=long" filters, one facet=label a piece; data-price-min="50", data-price-max="150"
// and data-price-currency="EUR" filter by price; data-ignore="neckline" leaves out
// what the product itself is like in a facet; data-title heads it, as a heading of level data-heading="2";
// data-into="#selector" puts it elsewhere than behind the script, as it must be for one in the head, or one that a tag
// manager removes. A page that goes on to another product without a reload puts a new place there, and a new script.
// The service must allow the page's origin. Nothing shows when there is nothing to show.
//
// The page hears "kleid-shown" and "kleid-click" events, with the product, and what was shown or chosen, in their detail.
(async () => {
  const script = document.currentScript;
  if (!script) return console.error("Kleid: the widget is a script of the page itself: put it into no shadow tree, and leave out type=module");
  const { product, k = "6", where = "", priceMin = "", priceMax = "", priceCurrency = "", ignore = "", title = "You may also like", heading = "2", into } = script.dataset;
  if (!product) return console.error("Kleid: the widget needs data-product");
  const find = () => document.querySelector(into);
  let place; // that of this product, also when the page shows another one by the time of the answer
  try {
    place = into && find();
  } catch {
    return console.error(`Kleid: data-into cannot be ${into}: use a selector, such as #similar, or [id="4711"] for an id of digits`);
  }
  if (!/^[1-6]$/.test(heading)) return console.error(`Kleid: data-heading cannot be ${heading}: headings are of level 1 to 6`);
  const service = new URL(script.src).origin;
  const language = script.closest("[lang]")?.lang || undefined; // of the page, as its own prices are
  const query = new URLSearchParams({ k });
  for (const condition of where.split(";").map((c) => c.trim()).filter(Boolean)) query.append("where", condition);
  for (const facet of ignore.split(";").map((f) => f.trim()).filter(Boolean)) query.append("ignore", facet);
  for (const [name, value] of Object.entries({ price_min: priceMin, price_max: priceMax, price_currency: priceCurrency })) if (value) query.append(name, value);
  let answer;
  try {
    const response = await fetch(`${service}/v1/products/${encodeURIComponent(product)}/similar?${query}`);
    answer = await response.json();
    if (!response.ok) throw new Error(answer.detail);
  } catch (error) {
    return console.error("Kleid:", error.message);
  }
  if (!answer.results.length) return;

  const host = document.createElement("section");
  const tell = (name, detail) => host.dispatchEvent(new CustomEvent(name, { bubbles: true, detail: { product, ...detail } }));
  host.className = "kleid-similar";
  host.setAttribute("aria-label", title);
  // The shop's styles stay outside, the widget's inside.
  const root = host.attachShadow({ mode: "open" });
  const style = new CSSStyleSheet();
  style.replaceSync(`
    :host { display: block; font: inherit; color: inherit; }
    h${heading} { font: inherit; font-size: 1.25em; font-weight: 600; margin: 0 0 .8em; }
    ul { list-style: none; margin: -2px 0 0; padding: 2px 2px 8px; display: grid; grid-auto-flow: column; grid-auto-columns: minmax(140px, 1fr); gap: 14px; overflow-x: auto; }
    a { color: inherit; text-decoration: none; display: block; }
    img { display: block; width: 100%; aspect-ratio: 3 / 4; object-fit: cover; border-radius: 10px; background: #8881; }
    b { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; overflow-wrap: anywhere; font-weight: 600; font-size: .9em; margin-top: .6em; }
    span { font-size: .85em; }
    a:hover b { text-decoration: underline; }
    a:focus-visible { outline: 2px solid currentColor; outline-offset: 0; border-radius: 10px; }`);
  root.adoptedStyleSheets = [style];
  const head = document.createElement(`h${heading}`);
  head.textContent = title;
  const list = document.createElement("ul");
  list.setAttribute("role", "list"); // Safari has no list without bullets otherwise
  for (const [rank, row] of answer.results.entries()) {
    const link = document.createElement("a");
    if (/^https?:\/\//i.test(row.url || "")) link.href = row.url;
    const chosen = () => tell("kleid-click", { chosen: row.product_id, rank: rank + 1 });
    link.addEventListener("click", chosen);
    link.addEventListener("auxclick", (event) => event.button === 1 && chosen()); // into another tab
    const image = document.createElement("img");
    image.alt = "";
    image.loading = "lazy";
    if (row.photo_id) image.src = `${service}/v1/thumbnails/${row.photo_id}`;
    const name = document.createElement("b");
    name.textContent = name.title = row.title || row.product_id; // a long name is cut
    const price = document.createElement("span");
    if (row.price !== undefined) {
      try {
        price.textContent = new Intl.NumberFormat(language, { style: "currency", currency: row.currency }).format(row.price);
      } catch {
        price.textContent = [row.price, row.currency].filter(Boolean).join(" ");
      }
    }
    link.append(image, name, price);
    list.append(document.createElement("li"));
    list.lastElementChild.append(link);
  }
  root.append(head, list);
  const shown = () => tell("kleid-shown", { shown: answer.results.map((row) => row.product_id) });
  if (!into) {
    if (!script.isConnected) return console.error("Kleid: the script is not on the page any more, so the widget needs data-into");
    if (document.head.contains(script)) return console.error("Kleid: the script is in the head, so the widget needs data-into");
    script.after(host);
    return shown();
  }
  place ||= find();
  // An answer may come before the browser has read as far as the place.
  if (!place && document.readyState === "loading") {
    await new Promise((read) => document.addEventListener("DOMContentLoaded", read));
    place = find();
  }
  if (!place) return console.error(`Kleid: nothing on this page is ${into}, where data-into wants the widget`);
  place.append(host);
  shown();
})();
