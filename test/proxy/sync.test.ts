/** The look at all sessions, against a stand-in of Twilio Proxy's API: what has changed, once, whatever happens meanwhile. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { digests } from '../../src/hosts/node/digests.ts'
import { openProxyNotes } from '../../src/hosts/node/proxy-notes.ts'
import { createProxyReader } from '../../src/proxy/api.ts'
import type { ProxyEvent } from '../../src/proxy/facts.ts'
import { syncProxy } from '../../src/proxy/sync.ts'
import { accountSid, authToken } from '../support/twilio.ts'
import { startTwilioProxyApi, type TwilioProxyApiOptions } from '../support/twilio-proxy-api.ts'

const SECOND = 1_000
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'proxy-sync-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function open(options: TwilioProxyApiOptions = {}) {
  const clock = { now: Date.UTC(2026, 2, 1) }
  const api = await startTwilioProxyApi({ now: () => clock.now, ...options })
  const service = api.addService()
  const notes = openProxyNotes(join(folder, 'notes.db'))
  const waits: number[] = []
  const emitted: ProxyEvent[] = []
  let emit = async (events: readonly ProxyEvent[]) => void emitted.push(...events)
  const wait = async (ms: number) => void waits.push(ms)
  const reader = createProxyReader(
    { username: accountSid, password: authToken },
    { send: api.send, wait, pageSize: 3 },
  )
  const pass = (ms = 60 * SECOND) => {
    clock.now += ms
  }
  /** What a look finds: type and participant, by the last digit of its number. */
  const look = async (): Promise<string[]> => {
    const before = emitted.length
    await syncProxy({ reader, notes, emit, sha256: digests.sha256, now: () => clock.now })
    return emitted.slice(before).map(({ type, data }) => {
      const [, ...rest] = type.split('.')
      return `${rest.join('.')} ${String(data.identifier ?? 'nobody').at(-1)}`
    })
  }
  const pair = (fields = {}) => {
    const session = api.addSession(service.sid, fields)
    const ann = api.addParticipant(session, '+15551230001')
    const bob = api.addParticipant(session, '+15551230002')
    return { session, ann, bob, say: () => api.interact(session, ann, bob) }
  }
  return {
    ...{ api, service, clock, waits, emitted, pass, look, pair },
    failToEmit(error: Error | undefined) {
      emit = async events => {
        if (error) throw error
        emitted.push(...events)
      }
    },
    async [Symbol.asyncDispose]() {
      notes.close()
      await api[Symbol.asyncDispose]()
    },
  }
}

it('[PX50] what changed since the last look becomes events, and nothing twice', async () => {
  await using all = await open()
  const { api, look, pair, pass } = all
  const { session, say } = pair()
  expect(await look()).toEqual(['session.opened 1', 'session.opened 2'])
  expect(await look()).toEqual([])
  pass()
  say()
  pass()
  expect(await look()).toEqual([
    ...['interaction.updated 1', 'interaction.updated 2'],
    ...['session.in-progress 1', 'session.in-progress 2'],
  ])
  pass()
  say()
  say()
  expect(await look()).toHaveLength(4)
  pass()
  api.setStatus(session, 'closed')
  expect(await look()).toEqual(['session.closed 1', 'session.closed 2'])
  pass()
  api.setStatus(session, 'in-progress')
  expect(await look()).toEqual(['session.reopened 1', 'session.reopened 2'])
  pass()
  api.setStatus(session, 'closed')
  expect(await look()).toEqual(['session.closed 1', 'session.closed 2'])
  expect(await look()).toEqual([])
  expect(new Set(all.emitted.map(({ id }) => id)).size).toBe(all.emitted.length)
})

it('[PX51] a session that expired is told when it is seen, with the time at which it happened', async () => {
  await using all = await open()
  const { api, look, pair, pass, clock, emitted } = all
  const expiry = new Date(clock.now + 90 * SECOND).toISOString()
  pair({ date_expiry: expiry })
  pair({ ttl: 30 })
  await look()
  pass()
  expect(await look()).toEqual(['session.closed 1', 'session.closed 2'])
  pass()
  expect(await look()).toEqual(['session.closed 1', 'session.closed 2'])
  expect(emitted.at(-1)?.time).toBe(expiry.replace('.000Z', 'Z'))
  api.closeExpired()
  expect(await look()).toEqual([])
})

it('[PX52] only sessions whose dates moved are opened, however many there are', async () => {
  await using all = await open()
  const { api, look, pair, pass } = all
  const pairs = Array.from({ length: 10 }, () => pair())
  expect(await look()).toHaveLength(20)
  const before = api.requests.length
  pass()
  pairs[4]?.say()
  await look()
  const asked = api.requests.slice(before).map(({ path }) => path.split('/').at(-1))
  expect(asked.filter(name => name === 'Participants')).toHaveLength(1)
  expect(asked.filter(name => name === 'Interactions')).toHaveLength(1)
  expect(asked).toHaveLength(1 + 4 + 2)
})

it('[PX53] ended before its events were kept, it tells them the next time, under the same ids', async () => {
  await using all = await open()
  const { look, pair, emitted, failToEmit } = all
  pair().say()
  failToEmit(new Error('full'))
  await expect(look()).rejects.toThrow('full')
  expect(emitted).toEqual([])
  failToEmit(undefined)
  expect(await look()).toHaveLength(6)
})

it('[PX54] a 429 is waited out for as long as Twilio says', async () => {
  await using all = await open()
  const { api, look, pair, waits } = all
  pair()
  api.throttle(3, { 'retry-after': '7' })
  expect(await look()).toHaveLength(2)
  expect(waits).toEqual([7_000, 7_000, 7_000])
})

it('[PX55] sessions deleted meanwhile do no harm, and one that slips past is found the next time', async () => {
  const gone: { delete?: () => void } = {}
  let pages = 0
  await using all = await open({
    before(_, { sessions, deleteSession }) {
      pages += 1
      // Behind the first page of sessions: what follows slips forward.
      const [first] = [...sessions.values()]
      if (pages === 3 && first) deleteSession(first)
      gone.delete?.()
    },
  })
  const { look, pair, api } = all
  const pairs = Array.from({ length: 8 }, () => pair())
  const found = [await look(), await look()]
  expect(found.flat().length).toBeGreaterThanOrEqual(14)
  expect(new Set(all.emitted.map(({ id }) => id)).size).toBe(all.emitted.length)
  const told = new Set(all.emitted.map(({ data }) => data.sessionSid))
  for (const { session } of pairs.slice(1)) expect(told).toContain(session.sid)
  // Between its list and its participants.
  const late = pair()
  gone.delete = () => {
    if (api.requests.at(-1)?.path.includes(late.session.sid)) api.deleteSession(late.session)
  }
  expect(await look()).toEqual([])
})

it('[PX56] a participant who was removed is nobody, the other one is told all the same', async () => {
  await using all = await open()
  const { api, look, pair } = all
  const { say, bob } = pair()
  say()
  api.participants.delete(bob.sid)
  expect((await look()).sort()).toEqual([
    ...['interaction.updated 1', 'interaction.updated y', 'session.in-progress 1', 'session.opened 1'],
  ])
})

it('[PX57] the credentials go to no other host, whatever a page names', async () => {
  const reader = createProxyReader(
    { username: accountSid, password: authToken },
    {
      send: async () =>
        Response.json({ services: [], meta: { next_page_url: 'https://elsewhere.example/v1/Services' } }),
    },
  )
  const all = async () => {
    for await (const _ of reader.pages('/v1/Services', 'services'));
  }
  await expect(all()).rejects.toThrow('elsewhere')
})
