// The frame of all pages: which one is shown, who one is, and what the header says of the agent.

import { get, keepKey, key } from "./api.js";
import * as chat from "./chat.js";

const PAGES = {
  chat: { title: "Chat", load: async () => chat },
  inspector: { title: "Inspector", load: () => import("./inspector.js") },
  policy: { title: "Policy", load: () => import("./policy.js") },
  versions: { title: "Versions", load: () => import("./versions.js") },
};
const part = (id) => document.getElementById(id);
let about = null;
let shown = 0;

// "#/inspector/abc/3" is the page `inspector` with the parts "abc" and "3".
function address() {
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decoded).map((each) => each || undefined);
  return PAGES[name] ? [name, rest] : ["chat", []];
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function show() {
  const [name, rest] = address();
  const mine = ++shown;
  for (const page of Object.keys(PAGES)) part(page).hidden = page !== name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.page === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  part("renew").hidden = name !== "chat";
  title();
  const page = await PAGES[name].load();
  if (mine === shown) await page.open(part(name), rest, about);
}

function title() {
  const [name] = address();
  document.title = name === "chat" ? (about?.agent ?? "Jurat") : `${PAGES[name].title} · ${about?.agent ?? "Jurat"}`;
}

function introduce() {
  part("agent").textContent = about.agent;
  const proved = about.status === "passed" ? "proved free of conflict" : "nothing to prove";
  part("proof").title = `${about.obligations} obligations, digest ${about.digest}`;
  part("proof").textContent = `${about.guidelines} guidelines, ${about.proved ? proved : "not proved"}`;
  part("banner").textContent = `Unproved: this policy did not pass its check (${about.findings} findings). Do not put it before customers.`;
  part("banner").hidden = about.proved;
  document.body.classList.toggle("unproved", !about.proved);
}

async function start() {
  part("sign").textContent = key() ? "Signed in" : "Sign in";
  const known = get("/about").then((found) => {
    about = found;
    introduce();
  }, (error) => { part("proof").textContent = error.message; });
  if (address()[0] === "chat") await known; // the others can do without
  await Promise.all([known, show()]);
  title();
}

part("sign").addEventListener("click", () => {
  part("key-text").value = "";
  part("key-forget").hidden = !key();
  part("key").returnValue = "";
  part("key").showModal();
});
part("key").addEventListener("close", () => {
  const chosen = part("key").returnValue;
  const text = part("key-text").value.trim();
  part("key-text").value = "";
  if (chosen === "forget") keepKey(null);
  else if (chosen === "keep" && text) keepKey(text);
  else return;
  location.reload();
});
part("skip").addEventListener("click", () => part("main").focus());
document.addEventListener("sign-in", () => part("sign").click());
// A new version took effect: what the header says of the policy is of the one before.
document.addEventListener("policy-changed", async () => {
  about = await get("/about");
  introduce();
});
addEventListener("hashchange", show);
await start();
