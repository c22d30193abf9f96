/** The messages between the HTTP thread and the outbox worker. */
import type { Settings } from '../../config.ts'
import type { RequestRow } from '../../outbox/request-row.ts'
import type { StorageReason } from '../../outbox/sqlite-errors.ts'
import type { Folder } from './data-folder.ts'
import type { OutboxFiles } from './open-outbox.ts'

export type WorkerData = { readonly settings: Settings } & OutboxFiles &
  Pick<Folder, 'dryRunFile' | 'noticeClockFile'>

/** The first message of the worker: it is open, and answers calls of these names. */
export type Opened = { readonly methods: readonly string[] }

export type Call = { readonly id: number; readonly call: string; readonly args: readonly unknown[] }

/** A group commit. */
export type Append = { readonly id: number; readonly rows: readonly RequestRow[] }

export type Request = Call | Append

/** `reason`: the error is a fault of the storage. */
export type Reply = {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
  readonly reason?: StorageReason | undefined
}
