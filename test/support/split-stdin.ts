/** Counts the records on stdin, for a test to watch its memory. */
import { readFileSync } from 'node:fs'
import { toPlain } from '../../src/cli/replay/decompress.ts'
import { readRecords } from '../../src/cli/replay/records.ts'

let records = 0
let bad = 0
for await (const pieces of readRecords(toPlain(process.stdin, () => undefined))) {
  for (const { fault } of pieces) {
    if (fault === undefined) records += 1
    else bad += 1
  }
}
process.stdout.write(JSON.stringify({ records, bad, peakBytes: peakBytes() }))

/** Since it began: what the system says of a process counts that of its parent. Linux alone knows better. */
function peakBytes(): number | null {
  if (process.platform !== 'linux') return null
  const [, kibibytes] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kibibytes) * 1_024
}
