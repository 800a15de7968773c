// The clipboard, which only a page by HTTPS or of this machine has.

export const hasClipboard = () => navigator.clipboard !== undefined;

/** Copies a text. Returns false if that is refused, or there is no clipboard. */
export async function copy(text) {
  if (!hasClipboard()) return false;
  return navigator.clipboard.writeText(text).then(() => true, () => false);
}
