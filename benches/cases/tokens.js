// Tokens of the documented sample's shape and length, each one different: one token alone would flatter a cache.

const HEADER = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9';
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const MONTH_S = 2_592_000;

/** Numbers below `limit`, the same in every run. */
function* numbers(seed) {
  for (let state = seed; ; state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) yield state / 2 ** 32;
}

/**
 * Returns tokens that were issued within the last 35 days: fresh, expiring and expired ones. Their payloads need
 * neither `-` nor `_`, so that `atob` takes them as they are.
 * @param {number} count
 * @param {{ length?: number, seed?: number, nowS?: number }} [options] `length` is that of the token, in characters
 */
export function tokens(count, { length = 437, seed = 1, nowS = Math.floor(Date.now() / 1000) } = {}) {
  const random = numbers(seed);
  const pick = (limit) => Math.floor(random.next().value * limit);
  const hex = (digits) => Array.from({ length: digits }, () => pick(16).toString(16)).join('');
  const base64 = (text) => btoa(text).replace(/=+$/, '');
  // Two parts, two dots, and 4 characters for 3 bytes of payload.
  const room = Math.floor((length - HEADER.length - 45) * 3 / 4);
  const one = () => {
    const iat = nowS - pick(35 * 86_400);
    const claims = {
      active: true, permissions: [], roles: [], token_type: 'Bearer', sub: `${hex(18)}@transak.com`, aud: hex(32),
      iss: 'https://transak.com/auth', jti: [8, 4, 4, 4, 12].map(hex).join('-'), iat, exp: iat + MONTH_S,
    };
    const over = room - JSON.stringify(claims).length;
    if (over < 0) for (const key of ['jti', 'aud', 'permissions', 'roles', 'iss', 'token_type', 'active']) delete claims[key];
    const filled = room - JSON.stringify(claims).length;
    claims.sub = hex(Math.max(0, filled)) + claims.sub;
    const signature = Array.from({ length: 43 }, () => ALPHABET[pick(64)]).join('');
    return [HEADER, base64(JSON.stringify(claims)), signature].join('.');
  };
  return Array.from({ length: count }, one);
}
