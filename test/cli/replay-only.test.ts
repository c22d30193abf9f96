/** `replay --only`: to one destination, from what is stored and from files; no copy goes to the others. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createResendCommand } from '../../src/cli/resend.ts'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import { runCommand } from '../support/cli-terminal.ts'
import { pruning } from '../support/outbox-bench.ts'
import { openWorkplace, toNdjson, type Workplace } from '../support/replay.ts'
import { authToken, messageStatus } from '../support/twilio.ts'

const later = { ...pruning, retentionMs: 1e12 }

/** The folder's outbox, while no bridge and no command has it. */
function at<T>({ dataDir }: Workplace, work: (outbox: ReturnType<typeof createOutbox>) => T): T {
  const sql = openSqlite(join(dataDir, 'outbox.db'))
  try {
    return work(createOutbox(sql, later))
  } finally {
    sql.close()
  }
}

const there = (place: Workplace, destination: number) =>
  at(place, outbox => outbox.figures().destinations.find(one => one.destination === destination))

/** Three events that `segment` accepted, and a destination that came later. */
async function openLater(place: Workplace): Promise<string> {
  const file = place.file(
    'a.ndjson',
    toNdjson([messageStatus(), messageStatus(), messageStatus({ type: 'sent' })]),
  )
  await place.replayed([file])
  at(place, outbox => {
    const claimed = outbox.claim({ destination: 1, limit: 9, characters: 1e9 })
    outbox.settle(
      claimed.map(event => ({ event, state: 'accepted' })),
      Date.now(),
    )
    const one = { scope: 'segment', tag: '' }
    outbox.keepDestinations([{ ...one, name: 'gone' }], 1)
    outbox.keepDestinations(
      [
        { ...one, name: 'segment', id: 1 },
        { ...one, name: 'acme' },
      ],
      2,
    )
    outbox.keepDestinations(
      [
        { ...one, name: 'segment' },
        { ...one, name: 'acme' },
        { ...one, name: 'old' },
      ],
      3,
    )
    outbox.keepDestinations(
      [
        { ...one, name: 'segment' },
        { ...one, name: 'acme' },
      ],
      4,
    )
  })
  return file
}

describe('replay --only', () => {
  it('[RP200] without paths: stored events that the destination never got wait for it alone', async () => {
    using place = openWorkplace()
    await openLater(place)
    const only = (...args: string[]) => place.replay(['--only', 'acme', '--json', ...args])
    const { type } = messageStatus({ type: 'sent' })
    expect((await only('--dry-run', '--type', type)).json()).toMatchObject({ matched: 1, done: 0 })
    expect((await only('--until', '1h')).json()).toMatchObject({ matched: 0 })
    const run = await only()
    expect([run.code, run.json()]).toEqual([0, { matched: 3, pruned: 0, done: 3 }])
    expect((await only()).json()).toMatchObject({ matched: 0, done: 0 })
    expect(there(place, 2)).toMatchObject({ pending: 3 })
    expect(there(place, 1)).toMatchObject({ pending: 0, accepted: 3 })
  })

  it('[RP201] from a file: what is known gets a delivery there, what is new goes nowhere else', async () => {
    using place = openWorkplace()
    const file = await openLater(place)
    const more = place.file('b.ndjson', toNdjson([messageStatus()]))
    const summary = await place.replayed(['--only', 'acme', file, more])
    expect(summary).toMatchObject({ code: 0, stored: 1, again: 3, duplicates: 0 })
    const { out } = await place.export()
    const exported = place.file('c.ndjson', out.map(line => `${line}\n`).join(''))
    expect(await place.replayed(['--only', 'acme', exported])).toMatchObject({
      stored: 0,
      again: 0,
      duplicates: 4,
    })
    expect(there(place, 2)).toMatchObject({ pending: 4 })
    expect(there(place, 1)).toMatchObject({ pending: 0, accepted: 3 })
  })

  it('[RP202] a name that there is not, or is no more, is exit 1 with those that there are', async () => {
    using place = openWorkplace()
    const file = await openLater(place)
    for (const name of ['nobody', 'old'])
      for (const paths of [[], [file]]) {
        const run = await place.replay(['--only', name, ...paths])
        expect(run).toMatchObject({ code: 1, said: expect.stringContaining('there are: segment, acme') })
      }
    const said = async (...args: string[]) => (await place.replay(args)).said
    expect(await said()).toContain('What should be replayed?')
    expect(await said('--only', 'acme', '--limit', '3')).toContain('--limit: only for files')
    expect(await said('--only', 'acme', '--again', file)).toContain('exclude each other')
    expect(await said('--only', 'acme', '--to', 'http://127.0.0.1:9', file)).toContain('--as-admin')
  })
})

it('[AP222] resend --destination sends again what that destination accepted, and no other', async () => {
  using place = openWorkplace()
  await openLater(place)
  const environment = { DATA_DIR: place.dataDir, TWILIO_AUTH_TOKEN: authToken }
  const resend = (name: string) =>
    runCommand(createResendCommand, ['--since', '1h', '--yes', '--json', '--destination', name], {
      environment,
    })
  expect((await resend('acme')).json()).toMatchObject({ matched: 0 })
  expect((await resend('segment')).json()).toMatchObject({ matched: 3, done: 3 })
  expect(there(place, 1)).toMatchObject({ pending: 3 })
})
