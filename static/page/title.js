// The title of the tab: the most urgent of several reasons.

const URGENCY = ['warning', 'room', 'view'];
const PLAIN = 'Still Here';
const titles = new Map(); // reason -> title

/** `reason`: `warning`, `room` or `view`; null removes its title. */
export function setTitle(reason, title) {
  titles.set(reason, title);
  const found = URGENCY.map((each) => titles.get(each)).find(Boolean) ?? PLAIN;
  if (document.title !== found) document.title = found;
}
