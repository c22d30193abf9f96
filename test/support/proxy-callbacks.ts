/** Posts of Twilio Proxy's callbacks: of an interaction as the API answers it, and signed as Twilio signs forms. */
import { createHmac } from 'node:crypto'
import { authToken } from './twilio.ts'

type Fields = Readonly<Record<string, string>>

/** As callbackUrl is told of it. `spell`: of what Twilio writes now in small letters, now not. */
export function proxyCallback(
  interaction: Readonly<Record<string, unknown>>,
  spell = (text: string) => text,
): Record<string, string> {
  const spelled = /^(type|(inbound|outbound)_resource_(type|status))$/
  const fields = Object.entries(interaction).flatMap(([name, value]) => {
    if (value === null || value === undefined || name === 'url') return []
    const camel = name.replace(/_./g, letters => (letters[1] ?? '').toUpperCase())
    const isLeg = /^(inbound|outbound)/.test(name)
    const own = `interaction${camel.replace(/^./, first => first.toUpperCase())}`
    const text = String(value)
    return [[isLeg ? camel : own, spelled.test(name) ? spell(text) : text] as const]
  })
  return Object.fromEntries(fields)
}

export const toForm = (fields: Fields): string => new URLSearchParams(fields).toString()

/** The classic scheme: URL, and each parameter by name. */
export function signForm(url: string, fields: Fields, token = authToken): string {
  const text = Object.keys(fields)
    .sort()
    .map(name => name + fields[name])
    .join('')
  return createHmac('sha1', token)
    .update(url + text)
    .digest('base64')
}

export type PostOptions = {
  readonly publicUrl?: string
  readonly token?: string
  readonly headers?: Fields
}

export async function postCallback(
  url: string,
  fields: Fields,
  options: PostOptions = {},
): Promise<Response> {
  const { publicUrl = url, token, headers = {} } = options
  return fetch(url, {
    method: 'POST',
    body: toForm(fields),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': signForm(publicUrl, fields, token),
      ...headers,
    },
  })
}
