// Durations as text, for the screen and for screen readers.

import { language } from '/static/page/language.js';

const amount = (count, unit) =>
  new Intl.NumberFormat(language(), { style: 'unit', unit, unitDisplay: 'long' }).format(count);

const together = (parts) =>
  new Intl.ListFormat(language(), { type: 'unit', style: 'narrow' }).format(parts);

/** 300 -> "5 minutes", 90 -> "1 minute 30 seconds", 2.5 -> "2.5 seconds", 1209600 -> "14 days". */
export function inWords(seconds) {
  if (seconds < 10) return amount(Math.round(seconds * 10) / 10, 'second');
  const whole = Math.round(seconds);
  const parts = [
    [Math.floor(whole / 86_400), 'day'],
    [Math.floor((whole % 86_400) / 3600), 'hour'],
    [Math.floor((whole % 3600) / 60), 'minute'],
    [whole % 60, 'second'],
  ];
  return together(parts.filter(([count]) => count > 0).map(([count, unit]) => amount(count, unit)));
}

/** Time since then, as short as possible: 45 -> "45s", 130 -> "2m", 7300 -> "2h". */
export function inBrief(seconds) {
  const [count, unit] =
    seconds < 60 ? [seconds, 'second'] : seconds < 3600 ? [seconds / 60, 'minute'] : [seconds / 3600, 'hour'];
  const options = { style: 'unit', unit, unitDisplay: 'short' };
  return new Intl.NumberFormat(language(), options).format(Math.max(0, Math.floor(count)));
}

/** Rounded up, so that 0 means over; with a tolerance of 0.1, so that 60.002 s are not 61. */
export const inWhole = (seconds) => Math.max(0, Math.ceil(seconds - 0.1));

/** 42.3 -> "0:43" */
export function onClock(seconds) {
  const whole = inWhole(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
