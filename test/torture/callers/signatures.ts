/** Forged, replayed and borrowed signatures: what is not Twilio's is turned away cheaply, what is comes in once. */
import { createHash, createHmac } from 'node:crypto'
import { Agent, request } from 'node:http'
import { authToken, messageStatus } from '../../support/twilio.ts'
import type { Context, Scenario } from '../scenario.ts'
import { beside, eachOf, Tally } from './beside.ts'
import { cpuSeconds } from './process.ts'

const LANES = 32
/** Of the bridge's processor time. Twelve HMACs of spellings (AU8), the parser and the answer. */
const MOST_FORGED_MS = 2.5

type Call = { readonly url: string; readonly body: string; readonly signature: string | undefined }
type Poster = Disposable & { post(call: Call): Promise<number> }

function createPoster(): Poster {
  const agent = new Agent({ keepAlive: true, maxSockets: LANES })
  const post = ({ url, body, signature }: Call) =>
    new Promise<number>((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        ...(signature !== undefined && { 'x-twilio-signature': signature }),
      }
      const outgoing = request(url, { method: 'POST', agent, headers }, incoming => {
        incoming.resume().once('end', () => resolve(incoming.statusCode ?? 0))
      })
      outgoing.once('error', reject)
      outgoing.end(body)
    })
  return { post, [Symbol.dispose]: () => agent.destroy() }
}

const toUrl = (webhook: string, body: string, more = '') =>
  `${webhook}?${more}bodySHA256=${createHash('sha256').update(body).digest('hex')}`
const sign = (url: string, token = authToken) => createHmac('sha1', token).update(url).digest('base64')

async function flood(context: Context): Promise<void> {
  const { bridge, random } = context
  using poster = createPoster()
  const size = context.isLong ? 20_000 : 1_500
  const answers = new Tally()
  const startedAt = performance.now()
  const spent = cpuSeconds(bridge.pid)
  await eachOf(Array.from({ length: size }), LANES, async () => {
    const body = JSON.stringify([messageStatus()])
    const signature = random.bytes(20).toString('base64')
    answers.add(String(await poster.post({ url: toUrl(bridge.webhook, body), body, signature })))
  })
  context.fault('forged signature', size)
  const eachMs = ((cpuSeconds(bridge.pid) - spent) / size) * 1_000
  const rate = Math.round((size / (performance.now() - startedAt)) * 1_000)
  context.note(
    `${answers}, ${rate} a second; ${eachMs.toFixed(2)} ms of processor each, the honest ones included`,
  )
  context.expect(answers.of('503') === size, `forged requests were answered ${answers}`)
  context.expect(eachMs < MOST_FORGED_MS, `a forged request costs ${eachMs.toFixed(2)} ms`)
}

async function replay(context: Context): Promise<void> {
  const { bridge, ledger } = context
  using poster = createPoster()
  const event = messageStatus()
  const body = JSON.stringify([event])
  const url = toUrl(bridge.webhook, body)
  const signature = sign(url)
  const size = context.isLong ? 1_000 : 200
  const { duplicates } = await bridge.stats()
  await eachOf(Array.from({ length: size }), LANES, async () => {
    ledger.sent([event])
    const status = await poster.post({ url, body, signature })
    context.expect(status === 200, `a replay was answered ${status}`)
    if (status === 200) ledger.acknowledged([event])
  })
  context.fault('replayed request', size)
  const more = (await bridge.stats()).duplicates - duplicates
  context.note(`${size} times the same request: once in the outbox, ${more} duplicates counted`)
  context.expect(more === size - 1, `${size} copies were counted as ${more} duplicates`)

  const other = JSON.stringify([messageStatus()])
  const otherUrl = toUrl(bridge.webhook, other)
  const { origin } = bridge
  const borrowed: readonly (Call & { readonly what: string; readonly status?: number })[] = [
    { what: 'another body', url, body: other, signature },
    { what: 'another body and its hash', url: otherUrl, body: other, signature },
    { what: 'an empty body', url, body: '', signature },
    { what: 'a blank more', url, body: `${body} `, signature },
    { what: 'a field more in the query', url: `${url}&a=b`, body, signature },
    { what: 'a field before in the query', url: toUrl(bridge.webhook, body, 'a=b&'), body, signature },
    { what: 'the hash twice', url: `${otherUrl}&${url.split('?')[1]}`, body: other, signature },
    { what: 'the hash in capitals', url: url.replace(/[^=]*$/, hash => hash.toUpperCase()), body, signature },
    { what: 'another path', url: url.replace('/webhooks/twilio', '/webhooks/other'), body, signature },
    { what: 'a slash more', url: url.replace('/twilio?', '/twilio/?'), body, signature },
    { what: 'another host', url: url.replace('127.0.0.1', 'localhost'), body, signature },
    { what: 'another token', url, body, signature: sign(url, '1'.repeat(32)) },
    { what: 'an empty token', url, body, signature: sign(url, '') },
    { what: 'no signature', url, body, signature: undefined, status: 403 },
    {
      what: 'a signature in hex',
      url,
      body,
      signature: Buffer.from(signature, 'base64').toString('hex'),
      status: 403,
    },
    { what: 'a signature without its end', url, body, signature: signature.slice(0, -1), status: 403 },
    { what: 'two copies of the signature', url, body, signature: `${signature}, ${signature}`, status: 200 },
    { what: 'no hash', url: bridge.webhook, body, signature: sign(bridge.webhook), status: 403 },
    { what: 'the root', url: `${origin}/?${url.split('?')[1]}`, body, signature },
  ]
  for (const { what, status = 503, ...call } of borrowed) {
    context.fault('borrowed signature')
    const answered = await poster.post(call)
    context.expect(
      answered === status,
      `a borrowed signature (${what}) was answered ${answered}, not ${status}`,
    )
  }
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'forged-signatures',
    does: 'Floods the webhook with well-formed signatures that fit nothing.',
    short: true,
    async run(context) {
      await beside(context, () => flood(context))
      return { leastNotices: 1 }
    },
  },
  {
    name: 'replayed-signatures',
    does: 'Sends one signed request 1,000 times, and its signature with other bodies, URLs and tokens.',
    short: true,
    run: context => beside(context, () => replay(context)),
  },
]
