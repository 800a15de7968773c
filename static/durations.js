// Time left, for eyes and for ears.

const plural = (count, unit) => `${count} ${unit}${count === 1 ? '' : 's'}`;

/** 300 -> "5 minutes", 90 -> "1 minute 30 seconds", 2.5 -> "2.5 seconds". */
export function inWords(seconds) {
  if (seconds < 10) return plural(Math.round(seconds * 10) / 10, 'second');
  const whole = Math.round(seconds);
  const parts = [
    [Math.floor(whole / 3600), 'hour'],
    [Math.floor((whole % 3600) / 60), 'minute'],
    [whole % 60, 'second'],
  ];
  return parts.filter(([count]) => count > 0).map(([count, unit]) => plural(count, unit)).join(' ');
}

/** Rounded up, so that 0 means over; a tenth of slack, so that 60.002 s is not a minute and one. */
export const inWhole = (seconds) => Math.max(0, Math.ceil(seconds - 0.1));

/** 42.3 -> "0:43" */
export function onClock(seconds) {
  const whole = inWhole(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
