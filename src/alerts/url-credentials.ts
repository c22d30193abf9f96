/** A URL with a user and password in it, as `fetch` takes it: it refuses one, and would name both in its error. Pure. */

export function toTarget(url: string): { readonly target: URL; readonly headers: Record<string, string> } {
  const target = new URL(url)
  const { username, password } = target
  target.username = ''
  target.password = ''
  if (username === '' && password === '') return { target, headers: {} }
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { target, headers: { authorization: `Basic ${toBase64(credentials)}` } }
}

function toBase64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}
