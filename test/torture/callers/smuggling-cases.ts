/** The shapes in which a request is hidden in another, after llhttp's tests and the papers on request smuggling. */
import { messageStatus } from '../../support/twilio.ts'
import { chunk, head, whole } from './wire.ts'

type Event = ReturnType<typeof messageStatus>

export type Case = {
  readonly name: string
  readonly bytes: string
  /** Statuses in the order of the answers; several where more than one way is right. The line may close before the end of it. */
  readonly answers: readonly (readonly number[])[]
  /** In the outbox if, and only if, it was answered 200. */
  readonly honest: readonly Event[]
  /** Hidden, and never to be understood: signed as well as the honest ones. */
  readonly hidden: readonly Event[]
}

const REFUSED = [400]
/** The framing breaks after the webhook has been knocked at: never a 4xx. */
const BROKEN = [503]

/** Each has events of its own. */
export function toCases(origin: string): Case[] {
  const cases: Case[] = []
  const make = () => {
    const event = messageStatus()
    return { event, body: JSON.stringify([event]) }
  }

  /** A signed request with `headers`, and a whole one hidden in what follows. */
  function hiding(
    name: string,
    headers: (transfer: { length: number; hidden: number }) => readonly string[],
    follow: (body: string, hidden: string) => string = (body, hidden) => body + hidden,
    answers: Case['answers'] = [REFUSED],
  ): void {
    const transfer = make()
    const inner = make()
    const hidden = whole(origin, inner.body)
    const lines = headers({ length: transfer.body.length, hidden: hidden.length })
    const bytes = head(origin, transfer.body, lines) + follow(transfer.body, hidden)
    const isTaken = answers[0]?.includes(200) ?? false
    cases.push({
      name,
      bytes,
      answers,
      honest: isTaken ? [transfer.event] : [],
      hidden: isTaken ? [inner.event] : [inner.event, transfer.event],
    })
  }
  const chunked = (body: string, hidden: string) => `${chunk(body)}0\r\n\r\n${hidden}`
  const te = (value: string, name = 'Transfer-Encoding: ') => `${name}${value}`

  // Two framings
  hiding('a length, then chunks', ({ length }) => [`Content-Length: ${length}`, te('chunked')], chunked)
  hiding('chunks, then a length', ({ length }) => [te('chunked'), `Content-Length: ${length}`], chunked)
  hiding(
    'chunks and a length over both',
    ({ hidden }) => [te('chunked'), `Content-Length: ${hidden}`],
    chunked,
  )
  hiding('two lengths', ({ length, hidden }) => [
    `Content-Length: ${length}`,
    `Content-Length: ${length + hidden}`,
  ])
  hiding('two equal lengths', ({ length }) => [`Content-Length: ${length}`, `Content-Length: ${length}`])
  hiding('two lengths in one header', ({ length }) => [`Content-Length: ${length}, ${length}`])
  for (const [name, spell] of Object.entries({
    'a length with a plus': (length: number) => `+${length}`,
    'a length below zero': (length: number) => `-${length}`,
    'a length with a blank inside': (length: number) => `${length} 0`,
    'a length in hex': (length: number) => `0x${length.toString(16)}`,
    'a length with a fraction': (length: number) => `${length}.0`,
    'a length with an exponent': (length: number) => `${length}e0`,
    'a length with a comma': (length: number) => `${length},`,
    'an empty length': () => '',
    'a length beyond 64 bits': (length: number) => `${2n ** 64n + BigInt(length)}`,
    'a length in Arabic digits': (length: number) =>
      Buffer.from(
        String(length).replaceAll(/\d/g, digit => String.fromCodePoint(0x660 + Number(digit))),
      ).toString('latin1'),
  }))
    hiding(name, ({ length }) => [`Content-Length: ${spell(length)}`])

  // Encodings that are nearly "chunked"
  for (const value of [
    'chunked, gzip',
    'xchunked',
    'chunked\x0b',
    '"chunked"',
    'chunked;q=1',
    'chunk',
    'x',
    ', ',
  ])
    hiding(`encoding ${JSON.stringify(value)}`, () => [te(value)], chunked, [[400, 503]])
  hiding('encoding twice, not chunked last', () => [te('chunked'), te('identity')], chunked, [[400, 503]])
  hiding('encoding with a blank before the colon', () => [te('chunked', 'Transfer-Encoding : ')], chunked)
  hiding('encoding with a tab before the colon', () => [te('chunked', 'Transfer-Encoding\t: ')], chunked)
  hiding('encoding with a blank before it', () => [te('chunked', ' Transfer-Encoding: ')], chunked)
  hiding('encoding folded', () => ['Transfer-Encoding:', ' chunked'], chunked)
  hiding('encoding behind a bare LF', () => ['X-A: b\nTransfer-Encoding: chunked'], chunked)
  hiding('encoding behind a bare CR', () => ['X-A: b\rTransfer-Encoding: chunked'], chunked)
  hiding('encoding behind a NUL', () => ['X-A: b\0Transfer-Encoding: chunked'], chunked)
  hiding('length behind a bare LF', ({ length }) => [`X-A: b\nContent-Length: ${length}`])
  hiding('length folded', ({ length }) => ['Content-Length:', ` ${length}`])
  hiding('length with a NUL in its name', ({ length }) => [`Content-Length\0: ${length}`])
  hiding('length with a blank in its name', ({ length }) => [`Content Length: ${length}`])
  hiding('a header without a colon', ({ length }) => [`Content-Length: ${length}`, 'no colon at all'])
  hiding('a header without a name', ({ length }) => [`Content-Length: ${length}`, ': value'])
  hiding('a fold at the end', ({ length }) => [`Content-Length: ${length}`, 'X-A: b', ' c'])
  hiding('a bare LF at the end of the head', ({ length }) => [`Content-Length: ${length}\n`])
  hiding('40,000 bytes of one header', ({ length }) => [
    `X-A: ${'a'.repeat(40_000)}`,
    `Content-Length: ${length}`,
  ])

  // Chunks that lie. The door has been knocked at by then.
  const broken = (name: string, follow: (body: string, hidden: string) => string) =>
    hiding(name, () => [te('chunked')], follow, [BROKEN])
  const sized = (size: string) => (body: string, hidden: string) => `${size}\r\n${body}\r\n0\r\n\r\n${hidden}`
  broken('a chunk size that is none', sized('zz'))
  broken('a chunk size below zero', sized('-1'))
  broken('a chunk size in 0x', sized('0x10'))
  broken('a chunk size beyond 64 bits', (body, hidden) =>
    sized(`1${'0'.repeat(15)}${body.length.toString(16)}`)(body, hidden),
  )
  broken('a chunk size with a blank before it', (body, hidden) =>
    sized(` ${body.length.toString(16)}`)(body, hidden),
  )
  broken('a chunk longer than it says', (body, hidden) => sized('1')(body, hidden))
  broken('a chunk ended by LF', (body, hidden) => `${body.length.toString(16)}\n${body}\n0\n\n${hidden}`)
  broken(
    'an extension of 40,000 bytes',
    (body, hidden) => `${body.length.toString(16)};${'a'.repeat(40_000)}\r\n${body}\r\n0\r\n\r\n${hidden}`,
  )
  broken(
    'an extension with a bare LF',
    (body, hidden) => `${body.length.toString(16)};\n${body}\r\n0\r\n\r\n${hidden}`,
  )

  // Whole requests with something behind: their own answer, and no other but a refusal.
  const followed = (name: string, rest: (hidden: string) => string, more: Case['answers'] = []) =>
    hiding(
      name,
      ({ length }) => [`Content-Length: ${length}`],
      (body, hidden) => body + rest(hidden),
      [[200], ...more],
    )
  followed('noise behind', () => '\0\x01\x02 noise\r\n\r\n')
  followed('half a request behind', hidden => hidden.slice(0, -1).replace('POST', '\x01POST'))
  followed('a request with a broken head behind', hidden => hidden.replace('Host:', 'Host :'))
  followed('a request with two framings behind', hidden =>
    hidden.replace('Host:', 'Transfer-Encoding: chunked\r\nHost:'),
  )
  followed('an unknown method behind', hidden => hidden.replace('POST', 'SMUG'))
  followed('HTTP/3.0 behind', hidden => hidden.replace('HTTP/1.1', 'HTTP/3.0'))
  followed('HTTP/2 behind', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0')
  followed('TLS behind', () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03')

  // A body that holds a request is a body.
  const inner = make()
  const transfer = messageStatus({ data: { body: whole(origin, inner.body) } })
  const bytes = whole(origin, JSON.stringify([transfer]))
  cases.push({
    name: 'a request in a text',
    bytes,
    answers: [[200]],
    honest: [transfer],
    hidden: [inner.event],
  })

  // Not HTTP/1.1, or not for a webhook
  const strange = (name: string, bytes: string, answers: Case['answers']) =>
    cases.push({ name, bytes, answers, honest: [], hidden: [] })
  strange('HTTP/0.9', 'GET /webhooks/twilio\r\n\r\n', [REFUSED])
  strange('HTTP/2 with foreknowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', [REFUSED])
  strange('CONNECT', 'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n', [])
  strange('TRACE', `TRACE / HTTP/1.1\r\nHost: a\r\n\r\n`, [[400, 404, 405, 500]])
  strange('OPTIONS *', `OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n`, [[400, 404, 405]])
  strange('no Host', `POST /webhooks/twilio HTTP/1.1\r\nContent-Length: 0\r\n\r\n`, [REFUSED])
  strange('two Hosts', `POST /webhooks/twilio HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n`, [
    [400, 403],
  ])
  strange(
    'a Host with a path',
    `POST /webhooks/twilio HTTP/1.1\r\nHost: a/b?c\r\nContent-Length: 0\r\n\r\n`,
    [[400, 403]],
  )
  strange('a target that is none', `POST http://[::1/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`, [
    REFUSED,
  ])
  strange('a target with a blank', `POST /a b HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`, [REFUSED])
  strange('a target with a NUL', `POST /a\0b HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`, [REFUSED])
  strange('a target of 40,000 bytes', `POST /${'a'.repeat(40_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, [REFUSED])
  strange('10,000 headers', `POST / HTTP/1.1\r\nHost: a\r\n${'a:b\r\n'.repeat(10_000)}\r\n`, [REFUSED])

  // As good as the usual form: taken.
  const good = (name: string, toBytes: (body: string) => string, answers: Case['answers'] = [[200]]) => {
    const { event, body } = make()
    cases.push({ name, bytes: toBytes(body), answers, honest: [event], hidden: [] })
  }
  const length = (body: string) => `Content-Length: ${body.length}`
  good('chunks', body => head(origin, body, [te('chunked')]) + chunked(body, ''))
  good('chunks in other letters', body => head(origin, body, [te('CHUNKED')]) + chunked(body, ''))
  good(
    'a short extension',
    body => `${head(origin, body, [te('chunked')])}${body.length.toString(16)};a=b\r\n${body}\r\n0\r\n\r\n`,
  )
  good(
    'trailers',
    body =>
      `${head(origin, body, [te('chunked')])}${chunk(body)}0\r\nX-Twilio-Signature: a\r\nHost: b\r\n\r\n`,
  )
  good(
    'an absolute target',
    body => head(origin, body, [length(body)]).replace('POST ', `POST ${origin}`) + body,
  )
  good('HTTP/1.0', body => whole(origin, body, { version: 'HTTP/1.0' }))
  good(
    'an upgrade to a WebSocket',
    body => head(origin, body, [length(body), 'Connection: Upgrade', 'Upgrade: websocket']) + body,
  )
  good(
    'an upgrade to HTTP/2',
    body =>
      head(origin, body, [
        length(body),
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
      ]) + body,
  )
  good('100 Continue', body => head(origin, body, [length(body), 'Expect: 100-continue']) + body, [
    [100],
    [200],
  ])
  good('blank lines before', body => `\r\n\r\n${whole(origin, body)}`)
  const pair = [make(), make()]
  cases.push({
    name: 'two in one go',
    bytes: pair.map(({ body }) => whole(origin, body)).join(''),
    answers: [[200], [200]],
    honest: pair.map(({ event }) => event),
    hidden: [],
  })
  return cases
}
