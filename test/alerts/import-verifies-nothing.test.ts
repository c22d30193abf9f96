/** An import stores events as the webhook does, but nobody has seen a signature of Twilio. */
import { expect, it } from 'vitest'
import { fromEvent, toIntakes } from '../../src/admin/export-format.ts'
import { MINUTE, openTestbed } from '../support/dispatcher.ts'
import { messageStatus } from '../support/twilio.ts'

it('[NT131] a signature_mismatch after an import is the error that it is without one', async () => {
  const dispatcher = openTestbed({ deliver: async () => ({ kind: 'accepted', status: 200, answer: '' }) })
  const event = messageStatus()
  const intakes = toIntakes([fromEvent(event, JSON.stringify(event))], dispatcher.clock.at)
  expect(await dispatcher.admin.import(intakes)).toMatchObject({
    stored: 1,
  })
  dispatcher.clock.pass(MINUTE)
  dispatcher.report({ reason: 'signature_mismatch', at: dispatcher.clock.at, count: 1 })
  expect(dispatcher.notices()).toMatchObject([
    { level: 'Error', payload: { more_info: { open: [{ reason: 'signature_mismatch' }] } } },
  ])
})
