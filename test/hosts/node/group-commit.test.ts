/** Group commit: how requests share the waits for the disk. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Stored } from '../../../src/event/received-request.ts'
import { createGroupCommit } from '../../../src/hosts/node/group-commit.ts'
import type { RequestRow } from '../../../src/outbox/request-row.ts'
import { requestRow, samples } from '../../support/outbox-bench.ts'

/** One under way, which the test ends. */
type Commit = {
  readonly rows: readonly RequestRow[]
  resolve(stored: readonly Stored[] | undefined): void
  reject(error: Error): void
}

const full: Stored = { stored: false, reason: 'outbox_unwritable', detail: 'disk full' }

describe('requests on their way to the outbox', () => {
  const [one, two, three, four] = [1, 2, 3, 4].map(n => requestRow(samples(1, n))) as [
    RequestRow,
    RequestRow,
    RequestRow,
    RequestRow,
  ]
  let commits: Commit[]
  let append: (row: RequestRow) => Promise<Stored>

  beforeEach(() => {
    commits = []
    append = createGroupCommit(
      rows => new Promise((resolve, reject) => commits.push({ rows, resolve, reject })),
    )
  })

  const begun = (count: number) => expect.poll(() => commits.length).toBe(count)
  const rows = () => commits.map(commit => commit.rows)

  it('[OB1] those that come while a commit is under way share the next, and none begins meanwhile', async () => {
    const early = append(one)
    await begun(1)
    const late = [append(two), append(three), append(four)]
    for (let turn = 0; turn < 10; turn++) await nextTurn()
    expect(rows()).toEqual([[one]])
    commits[0]?.resolve(undefined)
    expect(await early).toEqual({ stored: true })
    await begun(2)
    expect(rows()).toEqual([[one], [two, three, four]])
    commits[1]?.resolve(undefined)
    expect(await Promise.all(late)).toEqual([{ stored: true }, { stored: true }, { stored: true }])
  })

  it('[OB1] one that comes when nothing is under way goes at once', async () => {
    for (let count = 1; count <= 3; count++) {
      const answer = append(one)
      await begun(count)
      commits[count - 1]?.resolve(undefined)
      await answer
    }
  })

  it('[DP9] each is told what became of its own', async () => {
    void append(four)
    const answers = [append(one), append(two), append(three)]
    await begun(1)
    commits[0]?.resolve(undefined)
    await begun(2)
    commits[1]?.resolve([{ stored: true }, full, { stored: true }])
    expect(await Promise.all(answers)).toEqual([{ stored: true }, full, { stored: true }])
  })

  it('[OB1] when the worker has ended all are told, those that wait and those that come later', async () => {
    const early = append(one)
    await begun(1)
    const late = append(two)
    commits[0]?.reject(new Error('the worker ended'))
    await expect(early).rejects.toThrow('the worker ended')
    await begun(2)
    commits[1]?.reject(new Error('the worker ended'))
    await expect(late).rejects.toThrow('the worker ended')
    const later = append(three)
    await begun(3)
    commits[2]?.reject(new Error('the worker ended'))
    await expect(later).rejects.toThrow('the worker ended')
  })
})
