// Instants and durations as texts.
export const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

/** Returns the time of day, and also the day if a life is longer than a day. */
export function clock(instant, lifeMs) {
  const form = lifeMs > DAY ? { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' } : { timeStyle: 'medium' };
  return new Intl.DateTimeFormat('en-GB', form).format(instant).replace(',', '');
}

/** Returns the label of the countdown, and its text. */
export function countdown(expiresInMs) {
  if (expiresInMs > 0) return ['expires in', span(Math.ceil(expiresInMs / SECOND) * SECOND)];
  const past = Math.floor(-expiresInMs / SECOND) * SECOND;
  return ['expired', past > 0 ? `${span(past)} ago` : 'just now'];
}

/** Returns a duration in its two largest units. */
export function span(ms) {
  const units = [[DAY, 'd'], [HOUR, 'h'], [MINUTE, 'min'], [SECOND, 's']];
  const first = units.findIndex(([unit]) => ms >= unit);
  if (first === -1 || first === units.length - 1) return `${Math.round(ms / 100) / 10} s`;
  const [[unit, name], [lesser, lesserName]] = units.slice(first);
  const rest = Math.floor(ms % unit / lesser);
  return `${Math.floor(ms / unit)} ${name}${rest ? ` ${rest} ${lesserName}` : ''}`;
}
