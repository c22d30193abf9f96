/**
 * Intakes on their way to the outbox's thread, a commit's worth at a time: those that come while one is under way share the
 * next. So fewer messages cross, each of which wakes a thread, and more callers share a wait for the disk.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Stored } from '../../event/received-request.ts'
import type { RequestRow } from '../../outbox/request-row.ts'

/**
 * When as many as that shared a commit, callers are many: then so many turns of the event loop go by until the next one. In the
 * first of them they get their answers, and who has more to send has sent it by the last. No timer: it is microseconds.
 */
const MANY = 16
const TURNS = 3

/** What became of each, in order; `undefined`: all are stored. Rejects when the thread has ended. */
type Commit = (parcels: readonly RequestRow[]) => Promise<readonly Stored[] | undefined>

type Waiting = { readonly parcel: RequestRow; resolve(stored: Stored): void; reject(error: unknown): void }

const stored: Stored = { stored: true }

export function gatherPuts(commit: Commit): (parcel: RequestRow) => Promise<Stored> {
  let waiting: Waiting[] = []
  let isBusy = false

  async function work(): Promise<void> {
    isBusy = true
    await nextTurn()
    while (waiting.length > 0) {
      const shared = await send()
      for (let turn = 0; turn < TURNS && shared >= MANY; turn++) await nextTurn()
    }
    isBusy = false
  }

  /** Returns how many shared the commit. */
  async function send(): Promise<number> {
    const sent = waiting
    waiting = []
    try {
      const results = await commit(sent.map(({ parcel }) => parcel))
      for (const [index, { resolve }] of sent.entries()) resolve(results?.[index] ?? stored)
    } catch (error) {
      for (const { reject } of sent) reject(error)
    }
    return sent.length
  }

  return parcel =>
    new Promise((resolve, reject) => {
      waiting.push({ parcel, resolve, reject })
      if (!isBusy) void work()
    })
}
