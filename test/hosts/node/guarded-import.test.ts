/** An import into an outbox whose file may be damaged, while stored requests are not indexed yet. */
import { expect, it } from 'vitest'
import { createTransfer } from '../../../src/admin/transfer.ts'
import { guardDispatcher } from '../../../src/hosts/node/guarded-dispatcher.ts'
import { failed } from '../../../src/send/destination.ts'
import { openTestbed } from '../../support/dispatcher.ts'
import { messageStatus } from '../../support/twilio.ts'

it('[AP105] it is refused as outbox_damaged, with the remedy for that', async () => {
  const bench = openTestbed({ deliver: async () => failed('segment_timeout', undefined, '') })
  expect(bench.take(messageStatus())).toBe(true)
  const nothing = () => undefined
  const damage = {
    ...{ current: () => 'page 7', isFound: () => true, found: nothing, doubted: nothing },
    ...{ thrown: nothing, verify: nothing, stop: async () => undefined },
  }
  const guarded = guardDispatcher(bench, damage, bench.clock.now)
  expect(await createTransfer(bench.outbox, guarded, { idOf: () => undefined }).import([])).toEqual({
    ...{ stored: false, reason: 'outbox_damaged', detail: 'page 7' },
  })
})
