// Questions to Python, each answered by one message with buffers.

export function asker(model) {
  const open = new Map();
  const onMessage = (message, buffers) => {
    const question = open.get(message.id);
    if (message.type !== "answer" || !question) return;
    open.delete(message.id);
    if (message.error) question.reject(new Error(message.error));
    else question.resolve({ ...message, buffers: (buffers ?? []).map(bytes) });
  };
  model.on("msg:custom", onMessage);
  const ask = (what, args = {}) =>
    new Promise((resolve, reject) => {
      const id = Math.random().toString(36).slice(2);
      open.set(id, { resolve, reject });
      model.send({ ask: what, with: args, id });
    });
  return { ask, close: () => model.off("msg:custom", onMessage) };
}

/** A buffer of a message (a DataView, or an ArrayBuffer on some hosts) as bytes of its own. */
function bytes(buffer) {
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer);
  return new Uint8Array(buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength));
}
