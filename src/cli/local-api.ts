/**
 * The admin API of an outbox that nobody serves: what `outbox-access.ts` asks without a network. A file of its own, so that what
 * never asks need not load it.
 */

import { createAdmin } from '../admin/admin.ts'
import type { Transfer } from '../admin/transfer.ts'
import { allCalm, toStanding } from '../alerts/throttle.ts'
import type { OutboxClient } from '../bridge.ts'
import type { Mapping } from '../event/mapping.ts'
import { createApi } from '../http/admin-routes.ts'
import { encodeRow } from '../outbox/sqlite/append.ts'
import type { OutboxStore } from '../outbox/sqlite/outbox.ts'
import type { Dispatcher } from '../send/dispatcher.ts'
import { openLine } from '../send/retry.ts'

export type Keeper = Pick<Dispatcher, 'append' | 'indexPending'>

export function createLocalApi(
  outbox: OutboxStore,
  keeper: Keeper,
  transfer: Transfer,
  mapping: Mapping,
): ReturnType<typeof createApi> {
  const notices = toStanding(allCalm, 0)
  const dispatcher = {
    ...keeper,
    health: () => ({ troubles: [], line: openLine, notices }),
    deliverNow: () => undefined,
  }
  const admin = createAdmin(outbox, () => dispatcher, Date.now, mapping)
  const outboxClient: OutboxClient = {
    put: async intake => keeper.append([encodeRow(intake)])[0] ?? { stored: true },
    report: () => undefined,
    stats: async () => admin.stats(),
    metrics: async () => admin.metrics(),
    troubles: async () => admin.troubles(),
    pulse: async query => admin.pulse(query),
    deadLetters: async () => admin.deadLetters(),
    events: async query => admin.events(query),
    event: async key => admin.event(key),
    retry: async key => admin.retry(key),
    drop: async key => admin.drop(key),
    deliverNow: async () => admin.deliverNow(),
    changeMany: async (action, filter) => admin.changeMany(action, filter),
    status: async () => admin.status(),
    confirmArrival: async fingerprint => admin.confirmArrival(fingerprint),
    resend: async key => admin.resend(key),
    resendMany: async query => admin.resendMany(query),
    notices: async limit => admin.notices(limit),
    quality: async span => admin.quality(span),
    transfer: {
      exportPage: async query => transfer.exportPage(query),
      import: async intakes => transfer.import(intakes),
    },
  }
  return createApi(outboxClient)
}
