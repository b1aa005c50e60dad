// The table of docs/environments.md, made of what a run of `run.mjs` found.

const BEGIN = '<!-- support: written by make test-everywhere -->', END = '<!-- /support -->';

/** Returns the cells of a row's results, without its name. */
function told({ note, outcomes }) {
  const entries = Object.entries(outcomes);
  const works = entries.filter(([, { ok, known }]) => ok && !known).map(([way]) => way);
  const failed = entries.filter(([, { ok }]) => !ok).map(([way]) => `fails: ${way}`);
  const known = entries.filter(([, outcome]) => outcome.known).map(([way, outcome]) => `does not work: ${way}. ${outcome.known}`);
  return `${works.join(', ') || 'nothing'} | ${[...failed, ...known, note].filter(Boolean).join('; ')}`;
}

/** Returns the table in Markdown: a line for each row, or for all versions of a thing of which the same was found. */
export function table(results) {
  const lines = new Map();
  for (const result of results) {
    const key = `${result.name}\n${told(result)}`;
    lines.set(key, [...(lines.get(key) ?? []), result.version].filter(Boolean));
  }
  const text = [...lines].map(([key, versions]) => {
    const [name, cells] = key.split('\n');
    return `| ${[name, versions.join(', ')].filter(Boolean).join(' ')} | ${cells} |`;
  });
  return ['| where | what works | note |', '|---|---|---|', ...text].join('\n');
}

/** Returns the page with the table of these results. */
export function updated(page, results) {
  const begin = page.indexOf(BEGIN), end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error('docs/environments.md has no place for the table');
  return `${page.slice(0, begin + BEGIN.length)}\n\n${table(results)}\n\n${page.slice(end)}`;
}
