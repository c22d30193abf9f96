/** The messages between the HTTP thread and the outbox worker. */
import type { Settings } from '../../config.ts'
import type { RequestRow } from '../../outbox/request-row.ts'
import type { Folder } from './data-folder.ts'
import type { OutboxFiles } from './open-outbox.ts'

export type ThreadData = { readonly settings: Settings } & OutboxFiles &
  Pick<Folder, 'dryRunFile' | 'noticeClockFile'>

export type Call = { readonly id: number; readonly call: string; readonly args: readonly unknown[] }

export type Put = { readonly id: number; readonly parcels: readonly RequestRow[] }

export type Request = Call | Put

export type Reply = { readonly id: number; readonly value?: unknown; readonly error?: string }
