/**
 * Group commit: requests that come while a commit is under way are committed together in the next one. So callers share a
 * wait for the disk, and few messages cross to the outbox worker, each of which wakes a thread.
 */
import type { Stored } from '../../event/received-request.ts'
import type { RequestRow } from '../../outbox/request-row.ts'

/** What became of each, in order; `undefined`: all are stored. Rejects when the worker has ended. */
type Commit = (rows: readonly RequestRow[]) => Promise<readonly Stored[] | undefined>

type Waiting = { readonly row: RequestRow; resolve(stored: Stored): void; reject(error: unknown): void }

const stored: Stored = { stored: true }

export function createGroupCommit(commit: Commit): (row: RequestRow) => Promise<Stored> {
  let waiting: Waiting[] = []
  let isBusy = false

  async function commitAll(): Promise<void> {
    isBusy = true
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      try {
        const results = await commit(group.map(({ row }) => row))
        for (const [index, { resolve }] of group.entries()) resolve(results?.[index] ?? stored)
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    isBusy = false
  }

  return row =>
    new Promise((resolve, reject) => {
      waiting.push({ row, resolve, reject })
      if (!isBusy) void commitAll()
    })
}
