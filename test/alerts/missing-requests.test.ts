/** Acknowledged requests that are gone must not be told as requests that were turned away. */
import { expect, it } from 'vitest'
import { openTestbed } from '../support/dispatcher.ts'

it('[NT15] A11: the notice of events_missing says how many requests are missing', () => {
  const dispatcher = openTestbed({ deliver: async () => ({ kind: 'accepted', status: 200, answer: '' }) })
  dispatcher.report({ reason: 'events_missing', at: dispatcher.clock.at, count: 3 })
  const [notice] = dispatcher.notices()
  expect(notice?.payload.message).toContain('3 requests are missing')
  expect(notice?.payload.message).not.toContain('turned away')
})
