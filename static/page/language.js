// The words of the page, in the language of the browser or the one that was chosen.

import { recall, remember } from '/static/page/storage.js';

/** The languages by their own names. */
export const LANGUAGES = { en: 'English', zh: '中文', es: 'Español' };

const CHOSEN = 'stillhere.language';
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const listeners = [];
let asked = 0;
let code = 'en';
let words = {};
let plurals = new Intl.PluralRules('en');
let numbers = new Intl.NumberFormat('en');

/** The language that was chosen, else the first of the browser's that there is, else English. */
export function preferred(wanted = navigator.languages) {
  const candidates = [recall(CHOSEN), ...wanted].map((tag) => tag.toLowerCase().split('-')[0]);
  return candidates.find((candidate) => Object.hasOwn(LANGUAGES, candidate)) ?? 'en';
}

/**
 * Switches the page to another language; of several calls the last wins. Rejects if the language
 * cannot be fetched: then nothing changes.
 */
export async function speak(wanted, { isChoice = false } = {}) {
  asked += 1;
  const mine = asked;
  const loaded = await import(`/static/languages/${wanted}.js`);
  if (mine !== asked) return;
  code = wanted;
  words = loaded.default;
  plurals = new Intl.PluralRules(code);
  numbers = new Intl.NumberFormat(code);
  if (isChoice) remember(CHOSEN, code);
  document.documentElement.lang = { zh: 'zh-Hans' }[code] ?? code;
  fill(document);
  for (const listener of listeners) listener();
}

/** Calls `listener` whenever the words have changed. */
export const onLanguage = (listener) => listeners.push(listener);

/** The language of the page: `en`, `zh` or `es`. */
export const language = () => code;

/** Whether there is such a text. */
export const has = (key) => Object.hasOwn(words, key);

/** The text of `key`, with `values` in the places that it has for them. */
export function say(key, values = {}) {
  return filled(words[key], key, values);
}

/** As `say`, with texts that are not the page's: {en: {key: text}, …}. English where there is none. */
export function sayIn(texts, key, values = {}) {
  return filled(texts[code]?.[key] ?? texts.en?.[key], key, values);
}

function filled(found, key, values) {
  if (found === undefined) throw new Error(`there is no text ${key}`);
  const text = typeof found === 'string' ? found : (found[plurals.select(values.count)] ?? found.other);
  return text.replace(/\{(\w+)\}/g, (_, name) => written(values[name]));
}

function written(value) {
  if (typeof value === 'number') return numbers.format(value);
  // Isolated, so that a name that runs right to left does not reorder the sentence.
  return RIGHT_TO_LEFT.test(value) ? `\u2068${value}\u2069` : `${value}`;
}

/** An instant (RFC 3339) as people write it. */
export function dateAndTime(at) {
  return new Intl.DateTimeFormat(code, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(at));
}

export function time(at) {
  return new Intl.DateTimeFormat(code, { timeStyle: 'medium' }).format(new Date(at));
}

export function day(at) {
  return new Intl.DateTimeFormat(code, { dateStyle: 'full' }).format(new Date(at));
}

/** "Ada, Kim and Lea". */
export function namesOf(names) {
  return new Intl.ListFormat(code, { type: 'conjunction' }).format(names);
}

/** Writes the texts that the elements below `root` name. */
function fill(root) {
  for (const element of root.querySelectorAll('[data-text]')) {
    element.textContent = say(element.dataset.text);
  }
  for (const element of root.querySelectorAll('[data-label]')) {
    element.setAttribute('aria-label', say(element.dataset.label));
  }
  for (const element of root.querySelectorAll('[data-placeholder]')) {
    element.placeholder = say(element.dataset.placeholder);
  }
  root.querySelector('meta[name=description]').content = say('page.description');
}
