/**
 * Intakes on their way to the outbox's thread, a commit's worth at a time: those that come while one is under way share the
 * next. So fewer messages cross, each of which wakes a thread, and more callers share a wait for the disk.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Parcel } from '../../outbox/put.ts'
import type { Stored } from '../../ports.ts'

/**
 * After an answer, so many turns of the event loop go by until the next ones leave: in the first of them the callers get
 * their answers, and one that has more to send has sent it by the last. No timer: with nobody to wait for it is microseconds.
 */
const TURNS = 3

/** What became of each, in order; `undefined`: all are stored. Rejects when the thread has ended. */
type Commit = (parcels: readonly Parcel[]) => Promise<readonly Stored[] | undefined>

type Waiting = { readonly parcel: Parcel; resolve(stored: Stored): void; reject(error: unknown): void }

const stored: Stored = { stored: true }

export function gatherPuts(commit: Commit): (parcel: Parcel) => Promise<Stored> {
  let waiting: Waiting[] = []
  let isBusy = false

  async function work(): Promise<void> {
    isBusy = true
    await nextTurn()
    while (waiting.length > 0) {
      await send()
      for (let turn = 0; turn < TURNS; turn++) await nextTurn()
    }
    isBusy = false
  }

  async function send(): Promise<void> {
    const sent = waiting
    waiting = []
    try {
      const results = await commit(sent.map(({ parcel }) => parcel))
      for (const [index, { resolve }] of sent.entries()) resolve(results?.[index] ?? stored)
    } catch (error) {
      for (const { reject } of sent) reject(error)
    }
  }

  return parcel =>
    new Promise((resolve, reject) => {
      waiting.push({ parcel, resolve, reject })
      if (!isBusy) void work()
    })
}
