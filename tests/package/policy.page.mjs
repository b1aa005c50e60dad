// The script of a page with a content security policy: says in the title what one entry does there.
const [file, token, baseUrl] = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const { refreshAccessToken, tokenStatus } = await import(`/node_modules/transak-user-token/${file}`);
try {
  const { state } = tokenStatus(token), { accessToken } = await refreshAccessToken(token, { baseUrl });
  document.title = `${state} ${typeof accessToken}`;
} catch ({ code, message }) {
  document.title = code ?? message;
}
