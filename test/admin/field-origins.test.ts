/** Where each field of a track call comes from, for every fixture: told so that a person can follow it, and true. */
import { describe, expect, it } from 'vitest'
import { toOrigins } from '../../src/admin/field-origins.ts'
import { isObject } from '../../src/event/event.ts'
import { fnv1a64 } from '../../src/event/hash.ts'
import { toTrack } from '../../src/send/segment/map.ts'
import { pairs } from '../support/fixtures.ts'

const RECEIVED_AT = Date.parse('2026-01-02T03:04:05.678Z')

/** The value at a JSONPath; a text on the way is read as the JSON it holds. */
function at(root: unknown, path: string): unknown {
  const names = path
    .replaceAll(/\[(\d+)\]/g, '.$1')
    .split('.')
    .slice(1)
  return names.reduce((value: unknown, name) => {
    const whole: unknown = typeof value === 'string' ? JSON.parse(value) : value
    return typeof whole === 'object' && whole !== null ? Reflect.get(whole, name) : undefined
  }, root)
}

/** Paths of everything in a call that is no object or list; `properties` and `app` count as one. */
function leaves(value: unknown, path = '$'): string[] {
  if (path === '$.properties' || path === '$.context.app') return [path]
  if (Array.isArray(value)) return value.flatMap((inner, index) => leaves(inner, `${path}[${index}]`))
  if (isObject(value))
    return Object.entries(value).flatMap(([name, inner]) => leaves(inner, `${path}.${name}`))
  return [path]
}

/** What becomes of the value at `from` on its way to `to`. */
function becomes(to: string, value: unknown, { type, data }: Record<string, unknown>): unknown {
  // Where address and channel stand apart.
  const isWhatsApp = String(type).includes('.comms-api.') && JSON.stringify(data).includes('WHATSAPP')
  const text = isWhatsApp && to === '$.anonymousId' ? `whatsapp:${value}` : String(value)
  if (to === '$.anonymousId') return fnv1a64(text)
  if (to === '$.properties') return typeof value === 'string' ? JSON.parse(value) : value
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):(.+)$/is.exec(text) ?? []
  const bare = rest ?? text
  const isPhone = /^\+[1-9][\d ]+$/.test(bare)
  if (/\]\.id$/.test(to)) return isPhone ? bare.replaceAll(' ', '') : bare
  if (/\]\.type$/.test(to)) return isPhone ? 'phone' : text.includes('@') ? 'email' : scheme?.toLowerCase()
  return value
}

describe.each(pairs)('$name', ({ twilio }) => {
  const mapped = toTrack(twilio, RECEIVED_AT)
  const { track, origins } = toOrigins(twilio, RECEIVED_AT)

  it('[MP10] the call told with its origins is the call that is sent', () => {
    expect(track).toEqual(mapped.ok ? mapped.track : undefined)
    if (!mapped.ok) expect(origins).toEqual([])
  })

  it('[MP10] every field of the call has one origin, and no other field has', () => {
    if (mapped.ok) expect(origins.map(({ to }) => to).sort()).toEqual(leaves(mapped.track).sort())
  })

  it('[MP10] the value where a field comes from leads to the value of the field', () => {
    for (const { to, from } of origins) {
      const value = at(track, to)
      expect(value, to).toBeDefined()
      if (from !== null) expect(becomes(to, at(twilio, from), twilio), `${from} → ${to}`).toEqual(value)
      else if (to === '$.timestamp') expect(value).toBe(new Date(RECEIVED_AT).toISOString())
    }
  })
})
