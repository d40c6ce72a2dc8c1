// The server's interface. Failures become Error objects whose message a person can read.

const KEY = "key";

export const key = () => sessionStorage.getItem(KEY);
export const keepKey = (text) => (text ? sessionStorage.setItem(KEY, text) : sessionStorage.removeItem(KEY));

// Whether an error says that one has to sign in, or to sign in as somebody else.
export const isRefusal = (error) => error.status === 401 || error.status === 403;

async function answer(response) {
  const content = await response.json().catch(() => ({}));
  if (!response.ok) {
    const error = new Error(content.error?.message ?? "the server cannot answer");
    error.status = response.status;
    error.content = content;
    throw error;
  }
  return content;
}

async function reach(path, options = {}) {
  const headers = { ...options.headers, ...(key() ? { authorization: `Bearer ${key()}` } : {}) };
  try {
    return await fetch(path, { ...options, headers });
  } catch {
    throw new Error("the server cannot be reached");
  }
}

const posted = (content) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(content),
});

export const get = async (path) => answer(await reach(path));
export const post = async (path, content) => answer(await reach(path, posted(content)));

// A path with parameters; those that are null or undefined are left out.
export function path(start, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(given).toString();
  return query ? `${start}?${query}` : start;
}

// Sends a message and calls onStep with each step and onText with each piece of the reply; resolves to the turn.
export async function turn(session, message, onStep, onText) {
  const response = await reach(`/sessions/${encodeURIComponent(session)}/messages`, posted({ message }));
  if (!response.ok) return answer(response);
  for await (const [name, content] of events(response.body)) {
    if (name === "step") onStep(content);
    if (name === "text") onText(content.text);
    if (name === "turn") return content;
    if (name === "error") throw new Error(content.error.message);
  }
  throw new Error("the answer ended early; reload the page to see what became of it");
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const lines = text.slice(0, end).split("\n");
      text = text.slice(end + 2);
      const field = (name) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      if (field("data") !== undefined) yield [field("event"), JSON.parse(field("data"))];
    }
  }
}
