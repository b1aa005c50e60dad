// The chart of docs/performance.md, as SVG by hand: what a check costs in each runtime, and how that grows with the token.

const COLOURS = { 'tokenStatus': '#4f46e5', 'JSON.parse(atob())': '#d97706', 'jose decodeJwt': '#0f766e' };
const text = (x, y, words, more = '') => `<text x="${x}" y="${y}" ${more}>${words}</text>`;

/** Returns the chart of a report, on 860 by 330 points. */
export function chart({ figures, growth }) {
  const where = Object.keys(figures).map((name) => name.match(/^tokenStatus to JSON\.parse\(atob\(\)\), (.*)$/)?.[1]).filter(Boolean);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 330" font-family="system-ui, sans-serif" font-size="12" fill="#374151">
<rect width="860" height="330" fill="#fff"/>
${bars(where, figures)}
${lines(growth)}
</svg>
`;
}

/** Bars in units of the hand-written decoding: shorter is faster. */
function bars(where, figures) {
  const unit = 110, left = 80, out = [text(10, 24, 'One check; JSON.parse(atob()) is 1, shorter is faster', 'font-size="14" font-weight="600"')];
  where.forEach((runtime, row) => {
    const own = figures[`tokenStatus to JSON.parse(atob()), ${runtime}`], jose = own / figures[`tokenStatus to jose decodeJwt, ${runtime}`];
    const y = 42 + row * 52;
    out.push(text(10, y + 22, runtime));
    [['tokenStatus', own], ['JSON.parse(atob())', 1], ['jose decodeJwt', jose]].forEach(([name, value], index) => {
      const width = Math.min(value, 2.9) * unit;
      out.push(`<rect x="${left}" y="${y + index * 14}" width="${width.toFixed(1)}" height="11" fill="${COLOURS[name]}"/>`);
      out.push(text((left + width + 5).toFixed(1), y + index * 14 + 10, value.toFixed(2), 'font-size="10"'));
    });
  });
  let x = left;
  for (const [name, colour] of Object.entries(COLOURS)) {
    out.push(`<rect x="${x}" y="308" width="11" height="11" fill="${colour}"/>`, text(x + 16, 318, name));
    x += 40 + name.length * 7;
  }
  return out.join('\n');
}

/** Microseconds by the token's length, the median of the runs. */
function lines(runs) {
  const left = 500, width = 330, bottom = 280, height = 230;
  const lengths = Object.keys(runs[0]).map(Number);
  const at = (name, length) => runs.map((run) => run[length][name] / 1000).sort((a, b) => a - b)[runs.length >> 1];
  const names = Object.keys(runs[0][lengths[0]]);
  const most = Math.max(...names.flatMap((name) => lengths.map((length) => at(name, length))));
  const x = (length) => (left + length / 16_384 * width).toFixed(1), y = (value) => (bottom - value / most * height).toFixed(1);
  const out = [text(left - 30, 24, 'How it grows: µs by characters, Node 20', 'font-size="14" font-weight="600"'),
    `<path d="M${left} ${bottom - height} V${bottom} H${left + width}" fill="none" stroke="#9ca3af"/>`];
  for (const length of [4_000, 8_192, 16_384]) out.push(text(x(length), bottom + 16, length.toLocaleString('en-GB'), 'text-anchor="middle" font-size="10"'));
  for (const value of [most / 2, most]) out.push(text(left - 5, y(value), value.toFixed(1), 'text-anchor="end" font-size="10"'));
  for (const name of names) {
    out.push(`<polyline fill="none" stroke="${COLOURS[name]}" stroke-width="2" points="${lengths.map((length) => `${x(length)},${y(at(name, length))}`).join(' ')}"/>`);
    for (const length of lengths) out.push(`<circle cx="${x(length)}" cy="${y(at(name, length))}" r="2.5" fill="${COLOURS[name]}"/>`);
  }
  return out.join('\n');
}
