import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { findChromium, howToGet } from './test/support/chromium.ts'
import { PATIENCE_MS } from './test/support/patience.ts'

/**
 * What a run covers. The tests that take long carry a tag: `it('…', { tags: 'long' }, …)`, or `@module-tag long` in the
 * comment at the top of a file. Tests of random input carry `property`: they run everywhere, with few samples or with many.
 *
 * - `npm test`: all but the long ones, few samples.
 * - `npm run test:long` (`--mode long`): only what `npm test` leaves out, many samples.
 * - `npm run test:all` (`--mode all`): everything, many samples.
 */
const filters: Readonly<Record<string, string[]>> = { test: ['!long'], long: ['long || property'], all: [] }

/** A process each, only to leave all their tests out, would take as long as half a minute of tests. */
function findLongFiles(): string[] {
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter(file =>
    file.endsWith('.test.ts'),
  )
  return files
    .map(file => join('test', file))
    .filter(file => /^\/\/ @module-tag long$/m.test(readFileSync(file, 'utf8')))
}

export default defineConfig(({ mode }) => {
  const tagsFilter = filters[mode]
  if (!tagsFilter) throw new Error(`--mode is one of ${Object.keys(filters).join(', ')}, not ${mode}`)
  const isQuick = mode === 'test'
  // Where it must be there, its absence is each of these tests' failure.
  const withPage = !isQuick && (findChromium() !== undefined || process.env.REQUIRE_CHROMIUM === '1')
  if (!isQuick && !withPage)
    console.warn(`The tests of the page are left out, for there is no Chromium: ${howToGet}`)

  return {
    test: {
      reporters: ['default', './test/support/tally.ts'],
      // Most tests wait for servers and processes: on a machine of two cores, one at a time would take twice as long.
      maxWorkers: Math.max(2, availableParallelism() - 1),
      tags: [
        { name: 'long', description: 'Takes long: not part of `npm test`' },
        { name: 'property', description: 'Random input: few samples in `npm test`, many in the other modes' },
      ],
      tagsFilter,
      projects: [
        {
          extends: true,
          test: {
            name: 'node',
            environment: 'node',
            include: ['test/**/*.test.ts'],
            exclude: [
              'test/hosts/workers/workerd/**',
              ...(withPage ? [] : ['test/page/**']),
              ...(isQuick ? findLongFiles() : []),
            ],
            globalSetup: ['./test/support/compile-cache.ts', './test/support/bundle-worker.ts'],
            // They protect against a hang, and measure nothing: machines are small and busy.
            testTimeout: PATIENCE_MS,
            hookTimeout: PATIENCE_MS,
            expect: { poll: { timeout: PATIENCE_MS / 2, interval: 20 } },
            env: isQuick ? {} : { MANY_SAMPLES: '1' },
            // Node 22 calls node:sqlite experimental in each test process.
            execArgv: ['--disable-warning=ExperimentalWarning'],
          },
        },
        {
          // Inside workerd: what can only be reached from there.
          extends: true,
          plugins: [
            cloudflareTest({
              main: './test/hosts/workers/workerd/blank.ts',
              miniflare: {
                compatibilityDate: '2026-10-01',
                compatibilityFlags: ['nodejs_compat'],
                cf: false,
                durableObjects: { BLANK: { className: 'Blank', useSQLite: true } },
              },
            }),
          ],
          test: {
            name: 'workerd',
            include: ['test/hosts/workers/workerd/*.test.ts'],
            testTimeout: PATIENCE_MS,
          },
        },
      ],
    },
  }
})
