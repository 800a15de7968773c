// The clipboard, which only a page by HTTPS or of this machine has.

import { write } from '/static/page/elements.js';

const COPIED_FOR = 4000; // ms

export const hasClipboard = () => navigator.clipboard !== undefined;

/**
 * Copies a text, and writes `said` into `element` for a while, then `after()`. Resolves to false if that is refused, or
 * there is no clipboard.
 */
export async function copyAndSay(text, element, { said, after }) {
  const isCopied = hasClipboard() && await navigator.clipboard.writeText(text).then(() => true, () => false);
  if (!isCopied) return false;
  write(element, said);
  setTimeout(() => { if (element.textContent === said) write(element, after()); }, COPIED_FOR);
  return true;
}
