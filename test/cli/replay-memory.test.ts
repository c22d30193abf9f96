/** [RP13] A stream of any length is read in the same memory. */
// @module-tag long
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { messageStatus } from '../support/twilio.ts'

const run = join(import.meta.dirname, '../support/split-stdin.ts')
const line = `${JSON.stringify(messageStatus())}\n`

it('[RP13] 200 MB go through a heap of 64 MB, records counted to the last', async () => {
  const child = spawn(process.execPath, ['--max-old-space-size=64', '--max-semi-space-size=4', run], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  const block = line.repeat(1_000)
  let blocks = 0
  for (; blocks * block.length < 200_000_000; blocks++) {
    if (!child.stdin.write(block)) await once(child.stdin, 'drain')
  }
  child.stdin.end()
  const [code] = await once(child, 'close')
  expect(code).toBe(0)
  expect(JSON.parse(said)).toMatchObject({ records: blocks * 1_000, bad: 0 })
})

it('[RP13] a record without an end is given up at 16 MiB, and the next one is found', async () => {
  const child = spawn(process.execPath, ['--max-old-space-size=64', run], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stdin.write('{"a":"')
  const block = 'x'.repeat(1_000_000)
  for (let written = 0; written < 60; written++) {
    if (!child.stdin.write(block)) await once(child.stdin, 'drain')
  }
  child.stdin.end(`\n${line}`)
  await once(child, 'close')
  expect(JSON.parse(said)).toMatchObject({ records: 1, bad: 1 })
})
