/** Group commit: how intakes share the waits for the disk. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Stored } from '../../../src/event/received-request.ts'
import { gatherPuts } from '../../../src/hosts/node/puts.ts'
import type { RequestRow } from '../../../src/outbox/request-row.ts'
import { parcelOf, samples } from '../../support/outbox-bench.ts'

/** One under way, which the test ends. */
type Commit = {
  readonly parcels: readonly RequestRow[]
  resolve(stored: readonly Stored[] | undefined): void
  reject(error: Error): void
}

const full: Stored = { stored: false, reason: 'outbox_unwritable', detail: 'disk full' }

describe('intakes on their way to the outbox', () => {
  const [one, two, three, four] = [1, 2, 3, 4].map(n => parcelOf(samples(1, n))) as [
    RequestRow,
    RequestRow,
    RequestRow,
    RequestRow,
  ]
  let commits: Commit[]
  let put: (parcel: RequestRow) => Promise<Stored>

  beforeEach(() => {
    commits = []
    put = gatherPuts(parcels => new Promise((resolve, reject) => commits.push({ parcels, resolve, reject })))
  })

  const begun = (count: number) => expect.poll(() => commits.length).toBe(count)
  const parcels = () => commits.map(commit => commit.parcels)

  it('[OB27] those of one turn share a commit, those that come during it the next, and none begins meanwhile', async () => {
    const early = [put(one), put(two)]
    await begun(1)
    const late = [put(three), put(four)]
    for (let turn = 0; turn < 10; turn++) await nextTurn()
    expect(parcels()).toEqual([[one, two]])
    commits[0]?.resolve(undefined)
    expect(await Promise.all(early)).toEqual([{ stored: true }, { stored: true }])
    await begun(2)
    expect(parcels()).toEqual([
      [one, two],
      [three, four],
    ])
    commits[1]?.resolve(undefined)
    expect(await Promise.all(late)).toEqual([{ stored: true }, { stored: true }])
  })

  it('[OB27] one that comes when nothing is under way goes at once, however many came before', async () => {
    for (let count = 1; count <= 3; count++) {
      const answer = put(one)
      await begun(count)
      commits[count - 1]?.resolve(undefined)
      await answer
    }
  })

  it('[OB27] each is told what became of its own', async () => {
    const answers = [put(one), put(two), put(three)]
    await begun(1)
    commits[0]?.resolve([{ stored: true }, full, { stored: true }])
    expect(await Promise.all(answers)).toEqual([{ stored: true }, full, { stored: true }])
  })

  it('[OB27] when the thread has ended all are told, those that wait and those that come later', async () => {
    const early = put(one)
    await begun(1)
    const late = put(two)
    commits[0]?.reject(new Error('the thread ended'))
    await expect(early).rejects.toThrow('the thread ended')
    await begun(2)
    commits[1]?.reject(new Error('the thread ended'))
    await expect(late).rejects.toThrow('the thread ended')
    const later = put(three)
    await begun(3)
    commits[2]?.reject(new Error('the thread ended'))
    await expect(later).rejects.toThrow('the thread ended')
  })
})
