// What the page knows of the index and of what is searched for. All its parts see the same.
export const state = {
  facets: [], // [{name, labels, swatches}] of the index
  prices: false, // whether dresses can be filtered by price
  run: "", // of the index that has these facets
  subject: null, // what is searched for: {kind: "photo", file, url, photoId, box} or {kind: "item", rowId, picture}
  shown: null, // the latest answer
};
