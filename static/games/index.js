// Which games have a page part: a module and a style of their own beside this file, by their names.
// A game that is not in this list is shown plainly (static/page/plain-game.js).

const PARTS = new Set(['connect-four', 'snake-arena', 'trivia-round']);

const styles = new Map(); // name -> Promise

/** The class that draws matches of a game; null if there is none. Loads what it needs. */
export async function partOf(name) {
  if (!PARTS.has(name)) return null;
  const [{ default: Part }] = await Promise.all([import(`/static/games/${name}.js`), style(name)]);
  return Part;
}

/** What the keys of a game's words begin with. */
export const wordsOf = (name) => name.replaceAll('-', '_');

function style(name) {
  if (!styles.has(name)) {
    styles.set(name, new Promise((resolve) => {
      const link = document.createElement('link');
      link.rel = 'stylesheet';
      link.href = `/static/games/${name}.css`;
      // Plain is better than not at all.
      link.onload = link.onerror = resolve;
      document.head.append(link);
    }));
  }
  return styles.get(name);
}
