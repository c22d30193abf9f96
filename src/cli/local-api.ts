/**
 * The admin API of an outbox that nobody serves: what `outbox-access.ts` asks without a network. A file of its own, so that what
 * never asks need not load it.
 */

import { createDesk } from '../admin/admin.ts'
import type { Carrier } from '../admin/transfer.ts'
import { allCalm, toStanding } from '../alerts/throttle.ts'
import type { Backroom } from '../bridge.ts'
import { createApi } from '../http/admin-routes.ts'
import { toParcel } from '../outbox/sqlite/append.ts'
import type { OutboxStore } from '../outbox/sqlite/outbox.ts'
import type { Depot } from '../send/dispatcher.ts'
import { openLine } from '../send/retry.ts'

export type Keeper = Pick<Depot, 'put' | 'settleAccounts'>

export function createLocalApi(
  outbox: OutboxStore,
  keeper: Keeper,
  carrier: Carrier,
): ReturnType<typeof createApi> {
  const notices = toStanding(allCalm, 0)
  const depot = {
    ...keeper,
    health: () => ({ troubles: [], line: openLine, notices }),
    deliverNow: () => undefined,
  }
  const desk = createDesk(outbox, () => depot, Date.now)
  const backroom: Backroom = {
    put: async intake => keeper.put([toParcel(intake)])[0] ?? { stored: true },
    report: () => undefined,
    stats: async () => desk.stats(),
    metrics: async () => desk.metrics(),
    troubles: async () => desk.troubles(),
    pulse: async query => desk.pulse(query),
    deadLetters: async () => desk.deadLetters(),
    events: async query => desk.events(query),
    event: async key => desk.event(key),
    retry: async key => desk.retry(key),
    drop: async key => desk.drop(key),
    deliverNow: async () => desk.deliverNow(),
    changeMany: async (action, filter) => desk.changeMany(action, filter),
    status: async () => desk.status(),
    confirmArrival: async fingerprint => desk.confirmArrival(fingerprint),
    resend: async key => desk.resend(key),
    resendMany: async query => desk.resendMany(query),
    notices: async limit => desk.notices(limit),
    quality: async span => desk.quality(span),
    carrier: {
      exportPage: async query => carrier.exportPage(query),
      import: async intakes => carrier.import(intakes),
    },
  }
  return createApi(backroom)
}
