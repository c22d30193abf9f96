/** Any sequence of steps, against a model of a page: see support/outbox-steps.ts and support/outbox-model.ts. */
import fc from 'fast-check'
import { test } from 'vitest'
import { openFile } from '../support/outbox-node.ts'
import { play, prunings, steps } from '../support/outbox-steps.ts'
import { runs } from '../support/runs.ts'

test('[OB22] [DQ4] after any sequence of steps the outbox on node:sqlite is what the model says', {
  tags: 'property',
}, () => {
  fc.assert(
    fc.property(prunings, steps, (pruning, steps) => {
      const file = openFile()
      try {
        play(file, pruning, steps)
      } finally {
        file.close()
      }
    }),
    { numRuns: runs(200) },
  )
})
