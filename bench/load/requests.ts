/**
 * Requests as Twilio's webhook sink sends them, made before the clock runs: really signed, each event its own, about 700
 * bytes an event. Bytes are patched into a template, so that some hundred thousand take a second or two.
 */
import { createHmac, hash, randomBytes } from 'node:crypto'
import { authToken, messageStatus } from '../../test/support/twilio.ts'

/** What Twilio is told to call; the servers believe it whatever port they listen on, as behind a proxy. */
export const publicOrigin = 'https://bridge.example.com'
export const path = '/webhooks/twilio'

const ID_DIGITS = 32
const NUMBER_DIGITS = 8
const PHONE_DIGITS = 4
const REQUESTS_A_SLAB = 256

type Template = {
  readonly bytes: Buffer
  readonly ids: readonly number[]
  readonly sids: readonly number[]
  readonly phone: number
}

export type Requests = {
  readonly batch: number
  readonly bytesAnEvent: number
  /** Head and body, ready to be written to a socket. */
  readonly bytes: readonly Buffer[]
}

/** The id of an event begins with the number of its request, in hex: the sink tells both. */
export function prepare(count: number, batch: number): Requests {
  const template = createTemplate()
  const bytes: Buffer[] = []
  const eventBytes = template.bytes.length
  const bodyBytes = 2 + batch * eventBytes + (batch - 1)
  const headBytes = toHead(Buffer.alloc(bodyBytes)).length
  let slab = Buffer.alloc(0)
  let room = 0
  for (let number = 0; number < count; number++) {
    if (room === 0) {
      room = Math.min(REQUESTS_A_SLAB, count - number)
      slab = Buffer.allocUnsafeSlow(room * (headBytes + bodyBytes))
    }
    const start = slab.length - room * (headBytes + bodyBytes)
    const request = slab.subarray(start, start + headBytes + bodyBytes)
    const body = request.subarray(headBytes)
    writeBody(body, template, number, batch)
    request.write(toHead(body), 0, 'latin1')
    bytes.push(request)
    room -= 1
  }
  return { batch, bytesAnEvent: eventBytes, bytes }
}

function createTemplate(): Template {
  const event = messageStatus({ id: `EZ${'e'.repeat(ID_DIGITS)}`, to: '+15550109999' })
  const text = JSON.stringify(event)
  const all = (part: string) => [...text.matchAll(new RegExp(part, 'g'))].map(({ index }) => index + 2)
  return {
    bytes: Buffer.from(text, 'latin1'),
    ids: all(event.id),
    sids: all(event.data.messageSid),
    phone: text.indexOf('9999"'),
  }
}

function writeBody(body: Buffer, { bytes, ids, sids, phone }: Template, number: number, batch: number): void {
  const random = randomBytes(ID_DIGITS * batch).toString('hex')
  const name = number.toString(16).padStart(NUMBER_DIGITS, '0')
  let at = body.write('[', 0, 'latin1')
  for (let index = 0; index < batch; index++) {
    if (index > 0) at += body.write(',', at, 'latin1')
    bytes.copy(body, at)
    const id = name + random.slice(index * ID_DIGITS * 2, index * ID_DIGITS * 2 + ID_DIGITS - NUMBER_DIGITS)
    const sid = random.slice(index * ID_DIGITS * 2 + ID_DIGITS, (index + 1) * ID_DIGITS * 2)
    for (const place of ids) body.write(id, at + place, 'latin1')
    for (const place of sids) body.write(sid, at + place, 'latin1')
    body.write(
      String((number * batch + index) % 10 ** PHONE_DIGITS).padStart(PHONE_DIGITS, '0'),
      at + phone,
      'latin1',
    )
    at += bytes.length
  }
  body.write(']', at, 'latin1')
}

function toHead(body: Buffer): string {
  const query = `bodySHA256=${hash('sha256', body, 'hex')}`
  const signature = createHmac('sha1', authToken).update(`${publicOrigin}${path}?${query}`).digest('base64')
  return [
    `POST ${path}?${query} HTTP/1.1`,
    `Host: ${new URL(publicOrigin).host}`,
    'User-Agent: TwilioProxy/1.1',
    'Accept: */*',
    'Content-Type: application/json',
    `X-Twilio-Signature: ${signature}`,
    `Content-Length: ${body.length}`,
    '\r\n',
  ].join('\r\n')
}
