/** An import stores events as the webhook does, but nobody has seen a signature of Twilio. */
import { expect, it } from 'vitest'
import { fromEvent, toIntakes } from '../../src/admin/export-format.ts'
import { createCarrier } from '../../src/admin/transfer.ts'
import { MINUTE, openDepot } from '../support/depot.ts'
import { messageStatus } from '../support/twilio.ts'

it('[NT131] a signature_mismatch after an import is the error that it is without one', () => {
  const depot = openDepot({ deliver: async () => ({ kind: 'accepted', status: 200, answer: '' }) })
  const event = messageStatus()
  const intakes = toIntakes([fromEvent(event, JSON.stringify(event))], depot.clock.at)
  expect(createCarrier(depot.outbox, () => depot).import(intakes)).toMatchObject({ stored: 1 })
  depot.clock.pass(MINUTE)
  depot.report({ reason: 'signature_mismatch', at: depot.clock.at, count: 1 })
  expect(depot.notices()).toMatchObject([
    { level: 'Error', payload: { more_info: { open: [{ reason: 'signature_mismatch' }] } } },
  ])
})
