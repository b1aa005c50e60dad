// The proof, and then a session with a store from its login to its logout. The rows with a session run this.
import { PROVEN, prove } from './proof.js';

/** The result of `keep` if everything works. */
export const KEPT = `${PROVEN}; kept true, refreshed,cleared, 0 left`;

export async function keep(api, { base, token, second }) {
  const outcome = await prove(api, { base, token }), map = new Map(), heard = [];
  let reads = 0;
  const storage = {
    get(key) { reads++; return map.get(key); },
    set(key, value) { map.set(key, value); },
    delete(key) { map.delete(key); },
  };
  const session = await api.TokenSession.login(second, { baseUrl: base, storage, key: 'user' });
  for (const type of ['refreshed', 'cleared', 'storageerror']) session.addEventListener(type, () => heard.push(type));
  session.start();
  const first = await session.accessToken(), { accessToken } = await session.refresh();
  const kept = first === second && accessToken !== second && map.get('user') === accessToken;
  await session.clear();
  session.stop();
  // In a page the session does not listen to events any more.
  const before = reads;
  globalThis.dispatchEvent?.(new Event('focus'));
  await new Promise((resolve) => setTimeout(resolve));
  session.dispose();
  return `${outcome}; kept ${kept}, ${heard.join()}, ${map.size + reads - before} left`;
}
