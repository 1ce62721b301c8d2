// What the page asks of the program.

export const UNSEEN = "unknown"; // what a judge says of what cannot be seen
export const DRESS = "is_dress"; // the facet of whether there is a dress at all
const MOST = 2000; // photos in one answer

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The program does not answer: start kleid quality again.");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Error(answer.detail || answer.title || `The program answered ${response.status}.`);
}

export const askOverview = () => ask("/api/overview");

// askPhotos asks for the first photos, in as many answers as it takes.
export async function askPhotos(query, count) {
  const items = [];
  for (;;) {
    const page = await ask("/api/photos?" + new URLSearchParams({ ...query, offset: items.length, limit: Math.min(count - items.length, MOST) }));
    items.push(...page.items);
    if (!page.items.length || items.length >= Math.min(count, page.total)) return { total: page.total, items };
  }
}

export const picture = (id, large) => `/api/photos/${encodeURIComponent(id)}/picture${large ? "?large=1" : ""}`;

const last = new Map(); // of each photo, the judgement that was sent last

// judge sends what somebody says, when all that was said of the photo before has been answered: the last click is the last
// word. It gives the answer, or undefined where more has been said meanwhile.
export function judgeInTurn(said) {
  const turn = (last.get(said.id) ?? Promise.resolve()).catch(() => {}).then(() => ask("/api/judgements", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(said),
  }));
  last.set(said.id, turn);
  const isLast = () => last.get(said.id) === turn;
  return turn.then(item => isLast() ? item : undefined).finally(() => { if (isLast()) last.delete(said.id); });
}
