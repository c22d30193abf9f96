import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode } from '../../src/ingest/decode.ts'

const toBytes = (text: string) => new TextEncoder().encode(text)

describe('decode', () => {
  test('[DC1] an array gives its elements in order, and the text as it came', () => {
    const body = ' [{"id": 1}, "x",\n null] '
    expect(decode(toBytes(body))).toEqual({
      ok: true,
      body,
      encoding: 'text',
      elements: [{ id: 1 }, 'x', null],
    })
  })

  test('[DC1] an empty array has no elements', () => {
    expect(decode(toBytes('[]'))).toEqual({ ok: true, body: '[]', encoding: 'text', elements: [] })
  })

  test.each(['{"id":"EZ1"}', '42', 'null', '"x"', 'true', '{}'])('[DC2] %s is one element', body => {
    expect(decode(toBytes(body))).toEqual({ ok: true, body, encoding: 'text', elements: [JSON.parse(body)] })
  })

  test.each(['', ' ', '{"id":', 'id=EZ1', "{'id':1}", '[1,]', '\u00a0{}'])(
    '[DC3] %j is no JSON: one rejected entry',
    body => {
      const decoded = decode(toBytes(body))
      expect(decoded).toMatchObject({
        ok: false,
        body,
        encoding: 'text',
        entry: { identity: undefined, type: '', version: 0, state: 'rejected', reason: 'body_not_json' },
      })
      expect(decoded).toHaveProperty('entry.faults.0.path', '$')
      expect(decoded).toHaveProperty('entry.faults.0.expected', 'JSON')
    },
  )

  test('[DC7] ten thousand events are taken, one more makes the whole body one rejected entry', () => {
    const bodyOf = (events: number) => toBytes(`[${Array(events).fill('{}').join(',')}]`)
    expect(decode(bodyOf(10_000))).toMatchObject({ ok: true })
    expect(decode(bodyOf(10_001))).toMatchObject({
      ok: false,
      entry: {
        state: 'rejected',
        reason: 'not_a_cloudevent',
        faults: [{ path: '$', expected: 'at most 10000 events', received: '10001' }],
      },
    })
  })

  test('[DC3] an empty body is missing JSON', () => {
    expect(decode(new Uint8Array())).toHaveProperty('entry.faults.0.received', 'missing')
  })

  test.each([
    ['half a character', [0x22, 0xc3, 0x22]],
    ['a surrogate in UTF-8', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00]],
    ['gzip', [0x1f, 0x8b, 0x08]],
    ['a NUL in a text', [0x7b, 0x00, 0x7d]],
  ])('[DC4] %s is kept as base64', (_, numbers) => {
    const bytes = Uint8Array.from(numbers)
    const decoded = decode(bytes)
    expect(decoded).toMatchObject({ ok: false, encoding: 'base64', entry: { reason: 'body_not_json' } })
    expect(Uint8Array.from(Buffer.from(decoded.body, 'base64'))).toEqual(bytes)
  })

  test('[DC4] an escaped NUL is a text like any other', () => {
    const body = '{"body":"\\u0000"}'
    expect(decode(toBytes(body))).toEqual({ ok: true, body, encoding: 'text', elements: [{ body: '\0' }] })
  })

  test('[DC5] a byte order mark is no part of the body', () => {
    expect(decode(toBytes('\ufeff{}'))).toEqual({ ok: true, body: '{}', encoding: 'text', elements: [{}] })
  })

  test('[DC6] a megabyte of nested arrays, or of bytes that are no text, does not throw', () => {
    expect(decode(toBytes('['.repeat(500_000) + ']'.repeat(500_000)))).toMatchObject({ ok: true })
    expect(decode(toBytes('['.repeat(1_048_576)))).toMatchObject({ ok: false })
    const bytes = new Uint8Array(1_048_576).fill(0xff)
    expect(decode(bytes).body).toBe(Buffer.from(bytes).toString('base64'))
  })

  test('[DC6] whatever the bytes, nothing throws and nothing is lost', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        const { body, encoding } = decode(bytes)
        const kept = Buffer.from(body, encoding === 'text' ? 'utf8' : 'base64')
        const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
        expect(Uint8Array.from(kept)).toEqual(hasMark && encoding === 'text' ? bytes.slice(3) : bytes)
      }),
    )
  })

  test('[DC6] all JSON comes through', () => {
    fc.assert(
      fc.property(fc.json(), body => {
        const parsed: unknown = JSON.parse(body)
        expect(decode(toBytes(body))).toEqual({
          ok: true,
          body,
          encoding: 'text',
          elements: Array.isArray(parsed) ? parsed : [parsed],
        })
      }),
    )
  })
})
