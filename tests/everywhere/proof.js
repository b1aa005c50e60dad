// Every row runs this in its environment: a check, a refresh against the gateway, and an error.

/** The result of `prove` if everything works. */
export const PROVEN = 'fresh not_a_string fresh ERR_INVALID_TOKEN true';

export async function prove({ tokenStatus, refreshAccessToken, TransakTokenError }, { base, token }) {
  const { state } = tokenStatus(token), { reason } = tokenStatus(null);
  const { accessToken } = await refreshAccessToken(token, { baseUrl: base });
  const refused = await refreshAccessToken('not.one', { baseUrl: base }).catch((error) => error);
  return [state, reason, accessToken !== token && tokenStatus(accessToken).state, refused.code, refused instanceof TransakTokenError].join(' ');
}
