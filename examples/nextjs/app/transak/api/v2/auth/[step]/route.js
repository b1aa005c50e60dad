import { cookies } from 'next/headers'

/** The two calls that give a token, with your API key and without the page's cookie. */
export async function POST(request, { params }) {
  const { step } = await params, session = (await cookies()).get('session')?.value
  if (!['login', 'verify'].includes(step)) return new Response(null, { status: 404 })
  if (!session || session !== process.env.SESSION) return new Response(null, { status: 403 })
  const apiKey = process.env.TRANSAK_API_KEY ?? ''
  const answer = await fetch(`${process.env.TRANSAK_URL ?? 'https://api-gateway.transak.com'}/api/v2/auth/${step}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
    body: JSON.stringify({ ...await request.json(), apiKey }),
    redirect: 'error',
  })
  return new Response(await answer.text(), { status: answer.status, headers: { 'content-type': 'application/json' } })
}
