/** Counts the records on stdin, for a test to watch its memory. */
import { toPlain } from '../../src/cli/replay/decompress.ts'
import { split } from '../../src/cli/replay/split.ts'

let records = 0
let bad = 0
for await (const pieces of split(toPlain(process.stdin))) {
  for (const { fault } of pieces) {
    if (fault === undefined) records += 1
    else bad += 1
  }
}
process.stdout.write(JSON.stringify({ records, bad }))
