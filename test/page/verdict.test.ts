/** The page's answer to "is Segment accepting events", without a browser. */
import { expect, it } from 'vitest'
import { judgeSegment, toHeadline } from '../../src/debugger/verdict.js'
import { silentStats } from '../../src/hosts/workers/shards/silent.ts'

const reasons = { segment_unauthorized: { title: 'Segment rejected the write key', remedy: 'Check it.' } }
const judge = (wait: 'retrying' | 'failing' | 'paused') => {
  const { counts: _, ...figures } = silentStats('')
  const delivery = { failures: 1, reason: 'segment_unauthorized', nextAttemptAt: null, wait }
  const stats = { ...figures, troubles: [], delivery }
  return { ...judgeSegment(stats, null, reasons), headline: toHeadline(stats, null, reasons) }
}

it('[PG220] while the first failures are retried at once it says so; No is what goes on', () => {
  expect(judge('retrying')).toMatchObject({ tone: 'slow', answer: 'Retrying', headline: { tone: 'slow' } })
  for (const wait of ['failing', 'paused'] as const)
    expect(judge(wait)).toMatchObject({ tone: 'bad', answer: 'No', headline: { tone: 'bad' } })
})
