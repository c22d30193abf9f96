/** Before any test: bundles the Worker as `wrangler deploy` does, once, for all test files. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    workerBundle: string
  }
}

const root = join(import.meta.dirname, '../..')
/** The page's files; wrangler fills it with each bundle. */
export const assets = join(root, '.wrangler/assets')

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-bundle-'))
  project.provide('workerBundle', bundle('src/hosts/workers/worker.ts', join(folder, 'sound')))
  return () => rmSync(folder, { recursive: true, force: true })
}

/** Returns the bundle's file. */
export function bundle(main: string, out: string): string {
  const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js')
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' }
  execFileSync(process.execPath, [wrangler, 'deploy', main, '--dry-run', '--env', '', '--outdir', out], {
    cwd: root,
    env,
    stdio: 'pipe',
  })
  const [name] = main.split('/').slice(-1)
  return join(out, name?.replace('.ts', '.js') ?? '')
}
