// The server's interface. Failures become Error objects whose message a person can read.

async function answer(response) {
  const content = await response.json().catch(() => ({}));
  if (!response.ok) {
    const error = new Error(content.error?.message ?? "the server cannot answer");
    error.status = response.status;
    throw error;
  }
  return content;
}

async function reach(path, options) {
  try {
    return await fetch(path, options);
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

// Sends a message and calls onStep with each step; resolves to the turn.
export async function turn(session, message, onStep) {
  const response = await reach(`/sessions/${session}/messages`, posted({ message }));
  if (!response.ok) return answer(response);
  for await (const [name, content] of events(response.body)) {
    if (name === "step") onStep(content);
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
      yield [field("event"), JSON.parse(field("data"))];
    }
  }
}
