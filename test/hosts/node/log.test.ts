/** The log of the process, where stderr is a file on a full disk. */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'

const FULL = '/dev/full'
const log = pathToFileURL(`${import.meta.dirname}/../../../src/hosts/node/log.ts`)

it.runIf(existsSync(FULL))('[SV8] what cannot be logged ends nothing', () => {
  const script = `
    const { createLog } = await import('${log}')
    const log = createLog('info')
    for (let line = 0; line < 3; line++) {
      log.error({ line }, 'the disk is full')
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    console.log('still there')`
  const full = openSync(FULL, 'w')
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', full],
  })
  closeSync(full)
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'still there\n' })
})
