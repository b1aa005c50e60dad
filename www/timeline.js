// The timeline: three zones, their marks, and the current time. It is drawn in pixels, so that its text keeps its size on a phone.
import { SECOND, clock } from './times.js';

const TOP = 30, HEIGHT = 34, BOTTOM = TOP + HEIGHT;
/** The part of the width for the time after expiry. The label of the expiry needs it. */
const TAIL = 0.16, LEAST_TAIL = 90;
const GAP = 12;

const $ = (id) => document.getElementById(id);
const set = (element, attributes) => Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));

/** The values that are drawn already. Most frames change none of them. */
let drawn = '', drawnNow = '';

/** Draws a status. The state `none` is drawn without times. */
export function draw({ state, issuedAt, refreshAt, expiresAt, expiresInMs }) {
  const width = $('timeline').clientWidth;
  const begin = issuedAt ?? Math.min(refreshAt, expiresAt - SECOND);
  const end = width - Math.max(LEAST_TAIL, width * TAIL);
  const x = (instant) => Math.max(0, Math.min(width, (instant - begin) / (expiresAt - begin) * end));
  const now = expiresAt - expiresInMs;

  const life = [state === 'none', width, begin, refreshAt, expiresAt].join();
  if (drawn !== life) {
    drawn = life;
    drawZones(width, x(refreshAt), end);
    if (state === 'none') set($('timeline'), { 'aria-label': 'No token, no timeline' });
    else drawMarks({ begin, refreshAt, expiresAt, refreshX: x(refreshAt), end });
  }
  const present = [width, x(now).toFixed(1), Math.floor(now / SECOND), expiresAt - begin, state].join();
  if (drawnNow !== present) {
    drawnNow = present;
    drawNow(clock(now, expiresAt - begin), x(now), width);
  }
}

function drawZones(width, refreshX, end) {
  const box = (id, from, to) => set($(id), { x: from, y: TOP, width: Math.max(0, to - from), height: HEIGHT });
  box('outline', 0, width);
  box('zone-fresh', 0, refreshX);
  box('zone-expiring', refreshX, end);
  box('zone-expired', end, width);
}

function drawMarks({ begin, refreshAt, expiresAt, refreshX, end }) {
  const [issued, refresh, expires] = [begin, refreshAt, expiresAt].map((instant) => clock(instant, expiresAt - begin));
  const room = place('mark-issued', issued, 0, 'start');
  // The label stands to the left of its line, or to the right if there is no room on the left. If there is no room on both sides, it
  // stands below.
  const need = place('mark-refresh', refresh, refreshX, 'end');
  const left = refreshX - need >= room;
  const right = refreshX >= room && refreshX + need <= end;
  if (!left) place('mark-refresh', refresh, refreshX, 'start', right ? 0 : 1);
  place('mark-expires', expires, end, 'start');
  $('timeline').style.height = `${BOTTOM + (left || right ? 48 : 86)}px`;
  set($('timeline'), { 'aria-label': `Timeline: issued ${issued}, refresh window from ${refresh}, expires ${expires}` });
}

/** Writes a mark and returns the width that it takes. */
function place(id, when, at, anchor, row = 0) {
  const [line, text] = $(id).children;
  const [name, time] = text.children;
  time.textContent = when;
  set(line, { x1: at, x2: at, y1: TOP - 3, y2: BOTTOM + 8 });
  set(text, { 'text-anchor': anchor });
  set(name, { x: at, y: BOTTOM + 24 + row * 38 });
  set(time, { x: at, y: BOTTOM + 41 + row * 38 });
  return Math.max(name.getComputedTextLength(), time.getComputedTextLength()) + GAP;
}

function drawNow(when, x, width) {
  const [line, arrow, text] = $('now').children;
  set($('now'), { transform: `translate(${x.toFixed(1)} 0)` });
  set(line, { y1: TOP - 8, y2: BOTTOM + 3 });
  set(arrow, { transform: `translate(0 ${TOP - 10})` });
  text.textContent = `now ${when}`;
  const half = text.getComputedTextLength() / 2;
  // The label stays inside the timeline if its line is near an end.
  set(text, { x: Math.max(half - x, Math.min(0, width - half - x)), y: TOP - 15, 'text-anchor': 'middle' });
}
