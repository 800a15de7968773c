// The texts of the page, in the language of the browser or the chosen one.

import { recall, remember } from '/static/page/storage.js';

/** Names of the languages, in these languages. */
export const LANGUAGES = { en: 'English', zh: '中文', es: 'Español' };

const CHOSEN = 'stillhere.language';
/** Where Unicode has its right-to-left letters, and keeps room for more. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const listeners = [];
let asked = 0;
let code = 'en';
let words = {};
let plurals = new Intl.PluralRules('en');
let numbers = new Intl.NumberFormat('en');

/** Returns the chosen language, otherwise the first supported one of the browser's, otherwise
 * English. */
export function preferred(wanted = navigator.languages) {
  const candidates = [recall(CHOSEN), ...wanted].map((tag) => tag.toLowerCase().split('-')[0]);
  return candidates.find((candidate) => Object.hasOwn(LANGUAGES, candidate)) ?? 'en';
}

/**
 * Switches the page to another language; of several calls the last wins. Rejects if it fails to load;
 * then nothing changes.
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

/** Calls `listener` when the language has changed. */
export const onLanguage = (listener) => listeners.push(listener);

/** The language of the page: `en`, `zh` or `es`. */
export const language = () => code;

/** True if there is such a text. */
export const has = (key) => Object.hasOwn(words, key);

/** Returns the text of `key`, with its placeholders replaced by `values`. */
export function say(key, values = {}) {
  return filled(words[key], key, values);
}

/** Like `say`, of a key that ends with a word of the server: `fallback` if the page has no text for it. */
export function sayWord(key, values, fallback) {
  return has(key) ? say(key, values) : fallback;
}

/** Like `say`, with other texts: {en: {key: text}, …}. Falls back to English. */
export function sayIn(texts, key, values = {}) {
  return filled(texts[code]?.[key] ?? texts.en?.[key], key, values);
}

function filled(found, key, values) {
  if (found === undefined) throw new Error(`there is no text ${key}`);
  const text = typeof found === 'string' ? found : (found[plurals.select(values.count)] ?? found.other);
  return text.replace(/\{(\w+)\}/g, (_, name) => written(values[name]));
}

/** Formats a number for people. */
export const inDigits = (value) => numbers.format(value);

function written(value) {
  if (typeof value === 'number') return inDigits(value);
  // Isolated, so that a right-to-left name does not reorder the sentence.
  return RIGHT_TO_LEFT.test(value) ? `\u2068${value}\u2069` : `${value}`;
}

/** Formats an instant (RFC 3339) for people. */
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
  return new Intl.ListFormat(code, { type: 'conjunction' }).format(names.map(written));
}

/** Writes the texts named by the elements below `root`. */
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
