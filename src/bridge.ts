/** The outbox's side as the webhook and the admin API see it. */
import type { Desk } from './admin/admin.ts'
import type { Carrier } from './admin/transfer.ts'
import type { Outbox } from './ingest/receive.ts'

/** Everything the door's side asks of the outbox's side, over whatever lies between the two. */
export type Backroom = Outbox & {
  [Name in keyof Desk]: (...args: Parameters<Desk[Name]>) => Promise<Awaited<ReturnType<Desk[Name]>>>
} & {
  /** Events on their way from one outbox to another; a host may do without. */
  readonly carrier?: {
    [Name in keyof Carrier]: (
      ...args: Parameters<Carrier[Name]>
    ) => Promise<Awaited<ReturnType<Carrier[Name]>>>
  }
}
