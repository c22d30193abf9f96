/** The outbox's side as the webhook and the admin API see it. */
import type { Admin } from './admin/admin.ts'
import type { Transfer } from './admin/transfer.ts'
import type { Outbox } from './ingest/receive.ts'

/** Everything the door's side asks of the outbox's side, over whatever lies between the two. */
export type OutboxClient = Outbox & {
  [Name in keyof Admin]: (...args: Parameters<Admin[Name]>) => Promise<Awaited<ReturnType<Admin[Name]>>>
} & {
  /** Events on their way from one outbox to another; a host may do without. */
  readonly transfer?: {
    [Name in keyof Transfer]: (
      ...args: Parameters<Transfer[Name]>
    ) => Promise<Awaited<ReturnType<Transfer[Name]>>>
  }
}
