#!/usr/bin/env node
// The command. A checkout runs its sources, even after a build; the published package has only dist/.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
process.argv.splice(2, 0, existsSync(source) ? source : 'dist/cli/main.js')
await import('./run.mjs')
