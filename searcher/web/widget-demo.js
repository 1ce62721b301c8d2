// The demo page of the widget: takes a product, ?product=ID or the first sample, and loads the widget for it.
const $ = (id) => document.getElementById(id);
const asked = new URLSearchParams(location.search).get("product");

async function get(path) {
  const response = await fetch(path);
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail);
  return body;
}

try {
  let row;
  if (asked) {
    const { query } = await get(`/v1/products/${encodeURIComponent(asked)}/similar?k=1`);
    row = { ...query, product_id: asked };
  } else {
    [row] = (await get("/v1/items?limit=1")).items;
  }
  if (!row) throw new Error("There is no product in the index.");
  $("product-title").textContent = row.title || row.product_id;
  if (row.photo_id) $("product-photo").src = `/v1/thumbnails/${row.photo_id}`;
  const script = document.createElement("script");
  script.src = new URL("/widget.js", location.href);
  Object.assign(script.dataset, { product: row.product_id, k: "6", into: "#widget" });
  $("snippet").textContent = script.outerHTML;
  document.head.append(script);
} catch (error) {
  $("status").textContent = error.message;
}
