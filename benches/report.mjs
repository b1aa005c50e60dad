// From what was measured to the figures that are budgeted: ratios if two things were measured side by side, else
// what the name says. Each is the median of its runs.

export const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** @param {Record<string, any[]>} results by case, one for each run */
export function figures(results) {
  const found = {};
  const put = (name, runs, figure) => {
    const values = (runs ?? []).map(figure).filter((value) => value !== undefined && !Number.isNaN(value));
    if (values.length) found[name] = Number(median(values).toPrecision(3));
  };
  for (const [name, runs] of Object.entries(results).filter(([name]) => name.startsWith('check, '))) {
    const where = name.slice(7);
    for (const peer of ['JSON.parse(atob())', 'jose decodeJwt', 'jwt-decode']) {
      put(`tokenStatus to ${peer}, ${where}`, runs, (run) => run.tokenStatus / run[peer]);
    }
  }
  put('tokenStatuses, throughput to a loop of tokenStatus', results.list, ({ list, loop }) => loop / list);
  put('a list by hand that writes and checks each token and makes its result, and no more', results.list, ({ least, loop }) => loop / least);
  put('tokenStatuses, MiB above the input for 1,000,000 tokens', results.list, ({ mebibytes }) => mebibytes);
  put('tokenStatus, 16,384 characters to 8,192', results.growth, (run) => run[16_384].tokenStatus / run[8_192].tokenStatus);
  for (const atOnce of [1, 64]) {
    put(`refreshAccessToken, throughput to fetch and json(), ${atOnce} at a time`, results.refresh, ({ [atOnce]: { own, bare } }) => bare / own);
    put(`a fetch by hand that asks for the same and judges nothing, ${atOnce} at a time`, results.refresh, ({ [atOnce]: { asked, bare } }) => bare / asked);
  }
  // What says how fast the machine is, for the figures that are no ratios.
  put('the machine: JSON.parse(atob()) by hand, Node 20, µs (1.04 where the goals were set)', results['check, Node 20'], (run) => run['JSON.parse(atob())'] / 1000);
  put('the machine: an empty script in a fresh Node process, ms', results['start, Node 20'], ({ nothing }) => nothing);
  put('session.status(), µs', results.session, ({ status }) => status / 1000);
  put('session.status() to JSON.parse(atob()) of a token', results.session, (run) => run.status / run['JSON.parse(atob())']);
  for (const [name, way] of [['', 'accessToken()'], [' with a store', 'accessToken() with a store']]) {
    put(`a fresh accessToken()${name} to supabase auth-js's getSession()`, results.session, (run) => run[way] / run['getSession()']);
    put(`a fresh accessToken()${name} to oidc-client-ts's getUser()`, results.session, (run) => run[way] / run['getUser()']);
  }
  put('keepFresh over fresh tokens, throughput to a generator over tokenStatus', results.fleet, ({ keepFresh, bare }) => bare / keepFresh);
  put('keepFresh, MiB above the input for 1,000,000 tokens', results.fleet, ({ mebibytes }) => mebibytes);
  for (const [name, peer] of [['a bare proxy by fetch', 'bare'], ['Express 5, cors and http-proxy-middleware', 'express'], ['Hono and its proxy', 'hono']]) {
    put(`the route, throughput to ${name}`, results.route?.flat(), (run) => run.route.perSecond / run[peer].perSecond);
    put(`the route, CPU time to ${name}`, results.route?.flat(), (run) => run.route.cpuUs / run[peer].cpuUs);
  }
  put('import and first tokenStatus, fresh Node process, ms', results['start, Node 20'], ({ ours }) => ours);
  put("the same to oidc-client-ts's import", results['start, Node 20'], ({ ours, oidc }) => ours / oidc);
  // The first two loads fill the caches.
  const cached = (loads) => median(loads.slice(2).map(({ took }) => took));
  put('script start to first result, Chromium, cached, ms', results['start, Chromium'], cached);
  put('the same while the page loads, ms', results['start while loading, Chromium'], cached);
  put('the same with an import() of the package, while the page loads, ms', results['import, Chromium'], cached);
  put('an import() of an empty module then, ms', results['import of nothing, Chromium'], cached);
  put('wasm memory after 1,000,000 checks and 10,000 refreshes to after 100', results.memory, ({ first, last }) => last / first);
  return found;
}

/** Says which figures exceed their budgets, and which budgets have no figure. */
export function judged(figures, budgets) {
  return Object.entries(budgets).flatMap(([name, { atMost, atLeast, whereThere }]) => {
    const figure = figures[name];
    if (figure === undefined) return whereThere || process.env.ONLY ? [] : [`${name}: not measured`];
    if (atMost !== undefined && figure > atMost) return [`${name}: ${figure}, at most ${atMost}`];
    if (atLeast !== undefined && figure < atLeast) return [`${name}: ${figure}, at least ${atLeast}`];
    return [];
  });
}

/** Returns figures and sizes as tables in Markdown. */
export function table({ sizes, figures }, budgets) {
  const lines = Object.entries(figures).map(([name, figure]) => {
    const { atLeast, goal } = budgets[name] ?? {};
    if (goal === undefined) return `| ${name} | ${figure} | |`;
    const is = atLeast === undefined ? figure <= goal : figure >= goal;
    return `| ${name} | ${figure} | ${atLeast === undefined ? 'at most' : 'at least'} ${goal}: ${is ? 'reached' : 'not reached'} |`;
  });
  const bytes = Object.entries(sizes).sort(([, a], [, b]) => a - b).map(([name, size]) => `| \`${name}\` | ${size.toLocaleString('en-GB')} |`);
  return ['| figure | measured | goal |', '|---|---|---|', ...lines, '', '| package | bytes, bundled, minified and brotli |', '|---|---|', ...bytes].join('\n');
}
