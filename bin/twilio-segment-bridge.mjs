#!/usr/bin/env node
// The command. The published package has only dist/; a checkout runs dist/ when it is newer than all of src/, else src/.
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endWithNpm, giveUp, isNewEnough, runHere } from './here.mjs'

const folder = fileURLToPath(new URL('..', import.meta.url))
const source = join(folder, 'src')
const built = join(folder, 'dist/cli/main.js')

if (!isNewEnough) giveUp()
endWithNpm(() => process.kill(process.pid, 'SIGTERM'))
const script = !existsSync(source) || isBuilt() ? built : join(source, 'cli/main.ts')
process.argv[1] = script
await runHere(script)

/** What was built runs in 35 MB less, for nothing has to strip types; but a build from before the last change is not it. */
function isBuilt() {
  if (!existsSync(built)) return false
  const { mtimeMs } = statSync(built)
  return readdirSync(source, { recursive: true }).every(
    path => statSync(join(source, path)).mtimeMs <= mtimeMs,
  )
}
