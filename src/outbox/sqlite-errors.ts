/**
 * What an error of SQLite says about the file. `node:sqlite` gives the result code (sqlite.org/rescode.html) as `errcode`, a
 * Durable Object only its name in the message. Pure.
 */

import type { Reason, WebhookReason } from '../reasons.ts'
import { isNewerStore } from './sqlite/migrations.ts'

const PRIMARY = 0xff
const READONLY = 8
const IOERR = 10
const CORRUPT = 11
const FULL = 13
const CANTOPEN = 14
const NOTADB = 26
/** Extended codes of IOERR: the device gave no bytes, too few, or such as its own checksums refuse. */
const READ_FAULTS: ReadonlySet<number> = new Set([266, 522, 8202, 8458])

export function codeOf(error: unknown): number {
  if (!(error instanceof Error) || !('errcode' in error)) return 0
  return typeof error.errcode === 'number' ? error.errcode : 0
}

/** Only where there is no code: a message may quote what it was given. */
function says(error: unknown, names: RegExp): boolean {
  return codeOf(error) === 0 && names.test(String(error))
}

/** The file does not hold what SQLite wrote. */
export function isDamage(error: unknown): boolean {
  const primary = codeOf(error) & PRIMARY
  return primary === CORRUPT || primary === NOTADB || says(error, /SQLITE_(?:CORRUPT|NOTADB)/)
}

/** The disk gives no answer: that may be over in a moment, or be the end of the disk. Failed writes are not among them. */
export function isReadFault(error: unknown): boolean {
  return READ_FAULTS.has(codeOf(error))
}

/** A disk that is full or read-only, also for a read that had to write as well. */
export function isWriteFault(error: unknown): boolean {
  const primary = codeOf(error) & PRIMARY
  return primary === READONLY || primary === FULL || says(error, /SQLITE_(?:READONLY|FULL)/)
}

/** Why the storage could not do what a person asked: the reason has the remedy. */
const storageReasons = [
  'outbox_damaged',
  'outbox_unreadable',
  'outbox_unwritable',
  'outbox_newer',
] as const satisfies readonly WebhookReason[]
export type StorageReason = (typeof storageReasons)[number]

export function isStorageReason(reason: Reason): boolean {
  return storageReasons.some(one => one === reason)
}

/** An error that says its reason, as it comes from another thread. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly reason: StorageReason

  constructor(reason: StorageReason, message: string) {
    super(message)
    this.reason = reason
  }
}

/** `undefined`: the error is no fault of the storage. */
export function toStorageReason(error: unknown): StorageReason | undefined {
  if (error instanceof StorageError) return error.reason
  if (isNewerStore(error)) return 'outbox_newer'
  if (isDamage(error)) return 'outbox_damaged'
  if (isReadFault(error)) return 'outbox_unreadable'
  const primary = codeOf(error) & PRIMARY
  return isWriteFault(error) || primary === IOERR || primary === CANTOPEN ? 'outbox_unwritable' : undefined
}
