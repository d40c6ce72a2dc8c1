// What a page shows while it waits, when there is nothing, and when something went wrong.

import { isRefusal } from "./api.js";
import { h } from "./dom.js";
import { sentence } from "./words.js";

export const waiting = (text = "Loading") => h("p.work.state", { role: "status" }, h("span.pulse"), text);

export const empty = (title, ...content) => h("div.state.empty", h("h2", title), content);

// An error, with the way out of it: signing in, or trying again.
export function failed(error, again) {
  const signing = isRefusal(error);
  const button = signing
    ? h("button", { type: "button", click: () => document.dispatchEvent(new CustomEvent("sign-in")) }, "Sign in")
    : h("button.plain", { type: "button", click: again }, "Try again");
  return h("div.state.empty", { role: "alert" }, h("h2", signing ? "You may not see this yet" : "This did not work"),
    h("p", `${sentence(error.message)}.`), signing ? h("p.quiet", "Whoever runs the server makes keys with ", h("code", "jurat keys create"), ", or starts it with one in the variable ", h("code", "JURAT_API_KEY"), ".") : null, error.status === 404 ? null : button);
}

// Shows that something is under way in a place, then what came of it. What comes too late, after something newer, is dropped.
const newest = new WeakMap();

// Shows something at once in a place; what is still under way for it is dropped.
export function put(place, ...content) {
  newest.delete(place);
  place.replaceChildren(...content);
}

export async function into(place, work, render) {
  const turn = {};
  newest.set(place, turn);
  const showing = setTimeout(() => newest.get(place) === turn && place.replaceChildren(waiting()), 150);
  try {
    const content = await work();
    if (newest.get(place) === turn) place.replaceChildren(...[render(content)].flat().filter(Boolean));
    return content;
  } catch (error) {
    if (newest.get(place) === turn) place.replaceChildren(failed(error, () => into(place, work, render)));
    return null;
  } finally {
    clearTimeout(showing);
  }
}
