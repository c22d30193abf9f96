/** The dispatcher of an outbox whose file is damaged, or may be: what still goes on, and who is told. */
import { describe, expect, it } from 'vitest'
import { createDamage, type Verdict } from '../../../src/hosts/node/damage.ts'
import { guardDispatcher } from '../../../src/hosts/node/guarded-dispatcher.ts'
import { createLogKeeper, DAY, MINUTE, openTestbed, requestRow } from '../../support/dispatcher.ts'
import { messageStatus } from '../../support/twilio.ts'

async function openDoubted() {
  const bench = openTestbed({ deliver: async () => ({ kind: 'accepted', status: 200, answer: '' }) })
  bench.take(messageStatus())
  await bench.drainFor(0)
  let resolve = (_: Verdict) => {}
  const promise = new Promise<Verdict>(done => {
    resolve = done
  })
  const damage = createDamage({
    log: createLogKeeper().log,
    check: () => ({ done: promise, stop: () => undefined }),
    onFound: () => undefined,
  })
  const dispatcher = guardDispatcher(bench, damage, bench.clock.now)
  damage.doubted('2 events are counted, 3 are there')
  const reasonsTold = () => bench.notices().map(({ payload }) => payload.more_info.reason)
  return { bench, dispatcher, damage, resolve, reasonsTold }
}

describe('a file that may be damaged', () => {
  it('[OB130] is left as it is: no row is pruned or corrected until every page is found sound', async () => {
    const { bench, dispatcher, damage, resolve } = await openDoubted()
    const rows = () => bench.sql.all('SELECT * FROM requests').length
    bench.clock.pass(30 * DAY)
    bench.sql.exec('UPDATE counts SET n = 7')
    const counts = () => bench.sql.all('SELECT n FROM counts WHERE n = 7').length
    const wrong = counts()
    dispatcher.tick()
    expect([rows(), counts()]).toEqual([1, wrong])
    resolve({ is: 'sound' })
    await Promise.resolve()
    expect(damage.current()).toBeUndefined()
    dispatcher.tick()
    expect(rows()).toBe(0)
    expect(counts()).toBeLessThan(wrong)
  })

  it('[OB130] is told when the check does not end: every event is answered 503 meanwhile', async () => {
    const { bench, dispatcher, damage, resolve, reasonsTold } = await openDoubted()
    const put = () => dispatcher.append([requestRow([messageStatus()], bench.clock.at)])[0]?.stored
    dispatcher.tick()
    expect(put()).toBe(false)
    bench.clock.pass(MINUTE - 1)
    dispatcher.tick()
    expect(reasonsTold()).toEqual([])
    bench.clock.pass(1)
    dispatcher.tick()
    expect(reasonsTold()).toEqual(['outbox_damaged'])
    resolve({ is: 'sound' })
    await Promise.resolve()
    expect(damage.current()).toBeUndefined()
    dispatcher.tick()
    expect(put()).toBe(true)
    bench.clock.pass(20 * MINUTE)
    dispatcher.tick()
    expect(reasonsTold()).toEqual(['outbox_damaged', 'recovery'])
  })
})
