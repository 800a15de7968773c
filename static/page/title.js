// The title of the tab: the most urgent of those that there are reasons for.

const URGENCY = ['warning', 'room', 'view'];
const PLAIN = 'Still Here';
const titles = new Map(); // reason -> title

/** `reason`: one of `warning`, `room` and `view`; null: there is none for this reason any more. */
export function setTitle(reason, title) {
  titles.set(reason, title);
  const found = URGENCY.map((each) => titles.get(each)).find(Boolean) ?? PLAIN;
  if (document.title !== found) document.title = found;
}
