/** Every body that Twilio, or whoever has its token, may send: a 2xx, one state an event, and the bridge goes on. */
// @module-tag long
import { describe, expect, it } from 'vitest'
import {
  ask,
  describeHosts,
  everyEvent,
  newestEvent,
  shareBridge,
  sumOfStates,
  toReply,
} from '../support/hosts.ts'
import { inboundMessage, messageStatus, sendBody } from '../support/twilio.ts'

const encoder = new TextEncoder()
const concat = (...parts: (string | readonly number[])[]) =>
  Uint8Array.from(parts.flatMap(part => [...(typeof part === 'string' ? encoder.encode(part) : part)]))

/** A good event in which `DATA` and the like stand for themselves. */
function event(change: (text: string) => string): string {
  return `[${change(JSON.stringify(messageStatus()))}]`
}
const withData = (json: string) => event(text => text.replace('"tags":{}', `"tags":{},"more":${json}`))
const nest = (depth: number, open: string, inner: string, close: string) =>
  open.repeat(depth) + inner + close.repeat(depth)

const twice = JSON.stringify(messageStatus())

/** In the manner of JSONTestSuite: bodies that have stopped parsers, or whoever reads what they made. */
const hostile: [string, string | Uint8Array<ArrayBuffer>][] = [
  // No JSON
  ['an unclosed array', '['],
  ['an unclosed event', JSON.stringify(messageStatus()).slice(0, -1)],
  ['a comma at the end', '[1,]'],
  ['two commas', '[1,,2]'],
  ['two values', '[][]'],
  ['text after the value', '[] x'],
  ['single quotes', "['a']"],
  ['a key without quotes', '{a:1}'],
  ['a comment', '[/* */]'],
  ['NaN', '[NaN]'],
  ['Infinity', '[-Infinity]'],
  ['a leading zero', '[012]'],
  ['a plus sign', '[+1]'],
  ['a bare fraction', '[.5]'],
  ['hex', '[0x10]'],
  ['True', '[True]'],
  ['undefined', 'undefined'],
  ['an unclosed text', '["a'],
  ['a line break in a text', '["a\nb"]'],
  ['a broken escape', '["\\x41"]'],
  ['half an escape', '["\\u00"]'],
  ['JavaScript', 'alert(1)'],
  ['HTML', '<!doctype html><title>502 Bad Gateway</title>'],
  ['a form', 'Sid=NO00&Level=ERROR&Payload=%7B%7D'],
  ['a zip bomb that nobody opens', concat([0x1f, 0x8b, 8, 0, 0, 0, 0, 0])],
  ['overlong UTF-8', concat('["', [0xc0, 0xaf], '"]')],
  ['UTF-8 cut in two', concat('["', [0xe2, 0x82], '"]')],
  ['a surrogate in UTF-8', concat('["', [0xed, 0xa0, 0x80], '"]')],
  ['100,000 opening brackets', '['.repeat(100_000)],
  ['100,000 opening objects', '{"a":'.repeat(100_000)],
  ['a megabyte of quotes', '"'.repeat(1_000_000)],
  // JSON, no event
  ['null', 'null'],
  ['true', 'true'],
  ['a number', '1e999'],
  ['a text', '"[]"'],
  ['an empty object', '{}'],
  ['arrays in an array', '[[[]],[[]]]'],
  ['10,000 nulls', JSON.stringify(new Array(10_000).fill(null))],
  ['100,000 arrays in each other', nest(100_000, '[', '', ']')],
  ['100,000 objects in each other', nest(100_000, '{"a":', 'null', '}')],
  ['an event that is __proto__', '[{"__proto__":{"specversion":"1.0","id":"a","source":"b","type":"c"}}]'],
  ['an event that is a constructor', '[{"constructor":{"prototype":{"id":1}},"type":"constructor"}]'],
  ['an event that is toJSON', '[{"toJSON":"x","toString":1,"valueOf":null,"then":{}}]'],
  [
    'every attribute an array',
    '[{"specversion":["1.0"],"id":["a"],"source":["b"],"type":["c"],"data":[[]]}]',
  ],
  ['50,000 keys', `[{${Array.from({ length: 50_000 }, (_, index) => `"k${index}":0`).join()}}]`],
  ['a key of 500,000 characters', `[{"${'k'.repeat(500_000)}":0}]`],
  ['a type of 500,000 characters', event(text => text.replace('com.twilio', `com.${'x'.repeat(500_000)}`))],
  ['a type that is SQL', event(text => text.replace('com.twilio', `'); DROP TABLE events; --`))],
  [
    'a type that is a label of Prometheus',
    event(text => text.replace('com.twilio', '\\"} 1\\nbridge_events{type=\\"')),
  ],
  ['a type with a lone surrogate', event(text => text.replace('com.twilio', '\\ud800'))],
  // Events
  ['keys twice', event(text => text.replace('{', '{"id":"first","data":null,'))],
  ['a lone surrogate in the id', event(text => text.replace('"EZ', '"\\udfff'))],
  ['a lone surrogate in the data', withData('"\\ud800"')],
  ['a NUL in the data', withData('"a\\u0000b"')],
  ['line separators in the data', withData('"\\u2028\\u2029\\u0085"')],
  ['right-to-left in the data', withData('"\\u202e\\u2066"')],
  ['huge numbers in the data', withData('[1e400,-1e400,123456789012345678901234567890,1e-999,-0]')],
  ['a number of 100,000 digits', withData('9'.repeat(100_000))],
  [
    '__proto__ in the data',
    withData('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
  ],
  ['an empty key in the data', withData('{"":{"":{"":0}}}')],
  ['markup in the data', withData('"<script>alert(1)</script><img src=x onerror=alert(1)>"')],
  ['a formula in the data', withData('"=cmd|\' /C calc\'!A0"')],
  ['data 1,000 deep', withData(nest(1_000, '[', '', ']'))],
  ['data 5,000 deep', withData(nest(5_000, '{"a":', '0', '}'))],
  ['data 100,000 deep', withData(nest(100_000, '[', '', ']'))],
  [
    'data 100,000 deep in a text',
    event(text => text.replace(/"data":.*/, `"data":${JSON.stringify(nest(100_000, '[', '', ']'))}}`)),
  ],
  ['data of a megabyte', withData(`"${'x'.repeat(1_000_000)}"`)],
  ['an address of 100,000 characters', event(text => text.replace('+15550100199', '+1'.repeat(50_000)))],
  [
    'a version of 400 digits',
    event(text => text.replace('MessageStatus/7', `MessageStatus/${'7'.repeat(400)}`)),
  ],
  [
    'a time in the year 275760',
    event(text => text.replace(/"time":"[^"]*"/, '"time":"+275760-09-13T00:00:00.001Z"')),
  ],
  ['1,000 copies of one event', `[${Array.from({ length: 1_000 }, () => twice).join()}]`],
]

describeHosts('the webhook and the body', host => {
  describe('in the shapes Twilio uses', () => {
    const bridge = shareBridge(host)
    const send = async (body: string | Uint8Array<ArrayBuffer>, headers = {}) =>
      toReply(await sendBody(bridge().webhook, body, { headers }))

    it('[DR13] takes one event without an array', async () => {
      const event = messageStatus()
      expect((await send(JSON.stringify(event))).json).toEqual({ received: 1, rejected: 0 })
      expect((await newestEvent(bridge())).id).toBe(event.id)
    })

    it('[DR13] takes data that is a text of JSON', async () => {
      const event = inboundMessage()
      expect((await send(JSON.stringify([{ ...event, data: JSON.stringify(event.data) }]))).json).toEqual({
        ...{ received: 1, rejected: 0 },
      })
      const { mapped, customer } = await newestEvent(bridge())
      expect(mapped?.properties).toEqual(event.data)
      expect(customer).toBe(event.data.from)
    })

    it.each([
      'application/cloudevents+json',
      'application/cloudevents-batch+json; charset=utf-8',
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      '2026-01-02T03:04:05Z',
    ])('[DR13] does not mind the content type %s', async type => {
      const { json } = await send(JSON.stringify([messageStatus()]), { 'content-type': type })
      expect(json).toEqual({ received: 1, rejected: 0 })
    })

    it('[DR13] drops a byte order mark', async () => {
      const body = concat([0xef, 0xbb, 0xbf], JSON.stringify([messageStatus()]))
      expect((await send(body)).json).toEqual({ received: 1, rejected: 0 })
    })

    it('[DR13] keeps characters beyond ASCII', async () => {
      const text = 'Grüße 🎉 \u2028 日本'
      await send(JSON.stringify([inboundMessage({ data: { body: text } })]))
      expect((await newestEvent(bridge())).mapped?.properties).toMatchObject({ body: text })
    })

    it.each([
      ['not UTF-8', concat('[{"id":"', [0xff, 0xfe], '"}]')],
      ['UTF-16', concat([0xff, 0xfe, 0x5b, 0, 0x5d, 0])],
      ['with a NUL', concat('[]', [0])],
      ['nothing but NULs', new Uint8Array(10)],
      ['empty', ''],
      ['blank', ' \n\t '],
    ])('[DR13] keeps a body that is %s as rejected', async (_, body) => {
      expect((await send(body)).json).toEqual({ received: 1, rejected: 1 })
      const { state, reason, received } = await newestEvent(bridge())
      expect({ state, reason }).toEqual({ state: 'rejected', reason: 'body_not_json' })
      // As base64, where it is no text.
      if (typeof body !== 'string') expect(received).toBe(Buffer.from(body).toString('base64'))
    })

    it('[DR13] keeps an event whose id holds a NUL as rejected', async () => {
      expect((await send(JSON.stringify([messageStatus({ id: 'EZ\0' })]))).json).toEqual({
        received: 1,
        rejected: 1,
      })
      expect((await newestEvent(bridge())).reason).toBe('not_a_cloudevent')
    })
  })

  describe('in shapes meant to hurt', () => {
    const bridge = shareBridge(host)

    it.each(hostile)('[DR15] %s', async (_, body) => {
      const before = await bridge().stats()
      const { status, json } = await toReply(await sendBody(bridge().webhook, body))
      expect(status).toBe(200)
      const { received } = json as { received: number }
      const after = await bridge().stats()
      expect(after.received + after.duplicates - before.received - before.duplicates).toBe(received)
      expect(sumOfStates(after)).toBe(after.received)
    })

    it('[DR15] after all that, every event can be listed, searched and looked at', async () => {
      const { received } = await bridge().stats()
      const events = await everyEvent(bridge())
      expect(new Set(events.map(({ key }) => key)).size).toBe(received)
      expect((await ask(bridge(), '/api/events?q=nothing-holds-this')).json).toMatchObject({ events: [] })
      for (const { key } of events.filter((_, index) => index % 100 === 0 || index < 100))
        expect((await ask(bridge(), `/api/events/${key}`)).status).toBe(200)
      const { status, text } = await ask(bridge(), '/metrics')
      expect({ status, text }).toEqual({ status: 200, text: expect.stringContaining('bridge_events') })
    })

    it('[DR15] after all that, a good event goes the usual way', async () => {
      const event = messageStatus()
      await sendBody(bridge().webhook, JSON.stringify([event]))
      expect(await newestEvent(bridge())).toMatchObject({ id: event.id, mapped: { messageId: event.id } })
    })
  })
})
