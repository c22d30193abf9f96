/** The destinations file meets what the store knows: ids, tags, routes, and changes that wait for a person. Real SQLite in memory. */
import { describe, expect, it } from 'vitest'
import { readSettings } from '../../src/config.ts'
import { keyedHash } from '../../src/hosts/node/digests.ts'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import { openDestinations } from '../../src/send/open-destinations.ts'
import { createClock, DAY, requestRow } from '../support/dispatcher.ts'
import { authToken, messageStatus } from '../support/twilio.ts'

const delivered = () => messageStatus()
const { type } = delivered()

function createFolder() {
  const clock = createClock()
  const outbox = createOutbox(openSqlite(':memory:'), { retentionMs: 30 * DAY, dedupeMs: DAY })

  async function start(destinations: object | undefined, more: Record<string, string> = {}) {
    const read = readSettings({
      TWILIO_AUTH_TOKEN: authToken,
      SEGMENT_WRITE_KEY: 'a-key',
      ...(destinations && { DESTINATIONS: JSON.stringify({ destinations }) }),
      ...more,
    })
    if (!read.ok) throw new Error(JSON.stringify(read.faults))
    const host = { send: fetch, now: clock.now, keyedHash, hashKey: undefined, showDryRun: () => undefined }
    const opened = await openDestinations(read.settings, outbox, host)
    return { opened, waiting: opened.flatMap(({ unconfirmed }) => unconfirmed ?? []) }
  }

  return {
    outbox,
    start,
    take(...events: object[]) {
      outbox.append([requestRow(events, clock.at)])
      while (outbox.index() > 0);
    },
    figures: () =>
      Object.fromEntries(
        outbox
          .figures()
          .destinations.map(({ destination, pending, skipped, filtered }) => [
            destination,
            { pending, skipped, filtered },
          ]),
      ),
    idOf(opened: Awaited<ReturnType<typeof start>>['opened'], name: string) {
      const found = opened.find(({ destination }) => destination.name === name)?.destination
      const mapped = found?.map({ element: delivered(), receivedAt: clock.at })
      if (!mapped?.ok) throw new Error('it is mapped')
      const { content } = mapped.message
      return 'messageId' in content ? String(content.messageId) : ''
    },
  }
}

const to = { type: 'segment', writeKey: `\${SEGMENT_WRITE_KEY}` }

describe('at the start', () => {
  it('[RO50] the one of the SEGMENT_ settings is `segment`, and a file that names it goes on with its id and its messageIds', async () => {
    const folder = createFolder()
    const alone = await folder.start(undefined)
    expect(alone.opened.map(({ id, destination }) => [id, destination.name])).toEqual([[1, 'segment']])
    const { opened, waiting } = await folder.start({ brand: to, segment: to })
    expect(opened.map(({ id, destination }) => [id, destination.name])).toEqual([
      [2, 'brand'],
      [1, 'segment'],
    ])
    expect(waiting).toEqual([])
    expect(folder.idOf(opened, 'segment')).not.toMatch(/\./)
    expect(folder.idOf(opened, 'brand')).toMatch(/\.brand$/)
  })

  it('[RO51] an event goes where the file says, none is left without a row, and what is kept away is counted', async () => {
    const folder = createFolder()
    await folder.start({
      all: { ...to, events: { 'com.twilio.messaging.message.sent': 'drop' } },
      some: { ...to, when: 'event = "nothing"' },
    })
    folder.take(delivered(), messageStatus({ type: 'sent' }))
    expect(folder.figures()).toMatchObject({
      1: { pending: 1, filtered: 1 },
      2: { pending: 0, filtered: 2 },
    })
    const [failed] = folder.outbox.list({ limit: 1 }).events
    expect(failed).toMatchObject({ state: 'skipped', reason: 'no_destination' })
  })

  it('[RO52] a file that drops what flowed leaves that destination unconfirmed; nothing it would have got is lost', async () => {
    const folder = createFolder()
    await folder.start({ a: to, b: to })
    folder.take(delivered())
    const changed = { a: to, b: { ...to, events: { [type]: 'drop' } } }
    const { opened, waiting } = await folder.start(changed)
    expect(opened.map(({ unconfirmed }) => unconfirmed !== undefined)).toEqual([false, true])
    expect(waiting).toMatchObject([{ text: expect.stringContaining(`${type} no longer goes there`) }])
    // It goes on waiting there, so that the old file, put back, would send it.
    folder.take(delivered())
    expect(folder.figures()).toMatchObject({ 2: { pending: 2, filtered: 0 } })
    expect((await folder.start(changed)).waiting).toMatchObject([{ hash: waiting[0]?.hash }])
    expect((await folder.start({ a: to, b: to })).waiting).toEqual([])
  })

  it('[RO53] once confirmed it is applied, and stays so; DESTINATIONS_CONFIRM confirms it beforehand', async () => {
    const folder = createFolder()
    await folder.start({ a: to, b: to })
    folder.take(delivered())
    const changed = { a: to, b: { ...to, events: { [type]: 'drop' }, messageId: 'verbatim' } }
    const tagged = { ...changed, a: { ...to, messageId: 'tagged' } }
    const { waiting, opened } = await folder.start(tagged)
    expect(waiting.length).toBe(2)
    expect([folder.idOf(opened, 'a'), folder.idOf(opened, 'b')].map(id => id.split('.')[1])).toEqual([
      ...[undefined, 'b'],
    ])
    const hash = waiting[0]?.hash ?? ''
    const confirmed = await folder.start(tagged, { DESTINATIONS_CONFIRM: hash })
    expect(confirmed.waiting).toEqual([])
    expect(folder.idOf(confirmed.opened, 'a')).toMatch(/\.a$/)
    folder.take(delivered())
    expect(folder.figures()).toMatchObject({ 2: { filtered: 1 } })
    expect((await folder.start(tagged)).waiting).toEqual([])
  })

  it('[RO53] confirmed one by one, each is applied at once', async () => {
    const folder = createFolder()
    await folder.start({ a: to, b: to })
    folder.take(delivered())
    const renamed = { ...to, events: { '*': 'X' }, messageId: 'tagged' }
    const { opened, waiting } = await folder.start({ a: renamed, b: renamed })
    expect(folder.idOf(opened, 'a')).not.toMatch(/\.a$/)
    for (const { confirm } of waiting) confirm()
    expect(folder.idOf(opened, 'a')).toMatch(/\.a$/)
    expect((await folder.start({ a: renamed, b: renamed })).waiting).toEqual([])
  })

  it('[RO54] one that left the file keeps its deliveries; a new one gets what comes from then on', async () => {
    const folder = createFolder()
    await folder.start({ a: to, b: to })
    folder.take(delivered())
    await folder.start({ a: to, c: to })
    folder.take(delivered())
    expect(folder.figures()).toMatchObject({ 1: { pending: 2 }, 2: { pending: 1 }, 3: { pending: 1 } })
    expect(folder.outbox.destinations()).toMatchObject([{}, { removedAt: expect.any(Number) }, {}])
  })

  it('[RO55] what the store kept of the last file, when it is damaged, is no reason to stop or to doubt', async () => {
    const folder = createFolder()
    await folder.start({ a: to })
    folder.outbox.remember('destinations', '{"a":')
    expect((await folder.start({ a: { ...to, events: { '*': 'X' } } })).waiting).toEqual([])
  })

  it('[RO56] a doubt stays until it is confirmed, also when what it was about is gone, or the store knows the new row', async () => {
    const folder = createFolder()
    await folder.start({ a: to, b: to })
    folder.take(delivered())
    const changed = { a: to, b: { ...to, events: { [type]: 'drop' } }, c: { ...to, messageId: 'verbatim' } }
    const first = await folder.start(changed)
    expect(first.waiting).toMatchObject([
      { text: expect.stringContaining('no longer goes there') },
      { text: expect.stringContaining('same messageIds') },
    ])
    folder.take(...Array.from({ length: 600 }, () => messageStatus({ type: 'sent' })))
    const again = await folder.start(changed)
    expect(again.waiting.map(({ hash, text }) => ({ hash, text }))).toEqual(
      first.waiting.map(({ hash, text }) => ({ hash, text })),
    )
    for (const { confirm } of again.waiting) confirm()
    expect((await folder.start(changed)).waiting).toEqual([])
    expect((await folder.start(changed)).waiting).toEqual([])
  })

  it('[RO57] those behind an unconfirmed one in its group wait as well', async () => {
    const folder = createFolder()
    const one = (when?: string) => ({ ...to, group: 'brand', ...(when && { when }) })
    await folder.start({ a: one(), b: one() })
    folder.take(delivered())
    const { opened } = await folder.start({ a: one('event = "mistyped"'), b: one() })
    expect(opened.map(({ unconfirmed }) => unconfirmed !== undefined)).toEqual([true, true])
  })

  it('[RO58] a name that another one bore before stays with the one that took it over', async () => {
    const folder = createFolder()
    await folder.start({ segment: to, acme: to })
    await folder.start({ segment: to })
    const renamed = { acme: { ...to, was: 'segment' } }
    for (const _ of [1, 2, 3]) expect((await folder.start(renamed)).opened.map(({ id }) => id)).toEqual([1])
  })

  it('[RO59] a file that is as before costs no write, and a store that takes none no start', async () => {
    const folder = createFolder()
    const file = { a: { ...to, when: 'event = "x"' }, b: to }
    await folder.start(file)
    const { remember, keepDestinations } = folder.outbox
    let writes = 0
    const full = () => {
      writes += 1
      throw new Error('database or disk is full')
    }
    Object.assign(folder.outbox, { remember: full })
    expect((await folder.start(file)).waiting).toEqual([])
    expect(writes).toBe(0)
    Object.assign(folder.outbox, { keepDestinations: full })
    const { opened } = await folder.start({ ...file, c: to })
    expect(opened.map(({ id }) => id)).toEqual([1, 2, 3])
    Object.assign(folder.outbox, { remember, keepDestinations })
  })
})
