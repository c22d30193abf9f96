/** The page's answer to "is Segment accepting events", without a browser. */
import { expect, it } from 'vitest'
import { judgeSegment, toHeadline } from '../../src/debugger/verdict.js'
import { silentStats } from '../../src/hosts/workers/shards/silent.ts'
import { reasonsJson } from '../../src/http/about.ts'

const judge = (wait: 'retrying' | 'failing' | 'paused') => {
  const { counts: _, ...figures } = silentStats('')
  const delivery = { failures: 1, reason: 'segment_unauthorized', nextAttemptAt: null, wait }
  const stats = { ...figures, troubles: [], delivery }
  return { ...judgeSegment(stats, null, reasonsJson), headline: toHeadline(stats, null, reasonsJson) }
}

it('[PG220] while the first failures are retried at once it says so; No is what goes on', () => {
  expect(judge('retrying')).toMatchObject({ tone: 'slow', answer: 'Retrying', headline: { tone: 'slow' } })
  for (const wait of ['failing', 'paused'] as const)
    expect(judge(wait)).toMatchObject({ tone: 'bad', answer: 'No', headline: { tone: 'bad' } })
})
