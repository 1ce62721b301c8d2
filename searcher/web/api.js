// What the page asks of the service.

import { filters, limits, overridden, where } from "./filters.js";
import { state } from "./state.js";

const pageSize = 24;

class Problem extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export async function api(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "offline", "The service cannot be reached. Check the connection and try again.");
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, body.code, body.detail || `The service answered ${response.status}.`);
  return body;
}

// ask searches for the subject, from an offset on.
export async function ask(offset, signal) {
  const options = { k: pageSize, offset };
  if (state.subject.kind === "item") return api(`/v1/items/${state.subject.rowId}/similar?${new URLSearchParams(options)}&${filters()}`, { signal });
  if (state.subject.photoId) {
    try {
      const body = { ...options, ...limits, photo_id: state.subject.photoId, where, ignore: overridden() };
      if (state.subject.box) body.box = state.subject.box;
      return await api("/v1/search", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal });
    } catch (error) {
      if (error.code !== "unknown_photo") throw error; // otherwise it was forgotten: send it
    }
  }
  const form = new FormData();
  for (const [name, value] of [...Object.entries(options), ...filters()]) form.append(name, value);
  if (state.subject.box) form.append("box", state.subject.box);
  form.append("photo", state.subject.file, "photo");
  return api("/v1/search", { method: "POST", body: form, signal });
}

// describe asks what can be filtered by, and returns all that is known of the index.
export async function describe(signal) {
  const index = await api("/v1/facets", { signal });
  const { facets, prices, run } = index;
  Object.assign(state, { facets, prices, run });
  return index;
}
