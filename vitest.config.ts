import { availableParallelism } from 'node:os'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { findChromium, howToGet } from './test/support/chromium.ts'

// Where it must be there, its absence is each of these tests' failure.
const withPage = findChromium() !== undefined || process.env.REQUIRE_CHROMIUM === '1'
if (!withPage) console.warn(`The tests of the page are left out, for there is no Chromium: ${howToGet}`)

export default defineConfig({
  test: {
    reporters: ['default', './test/support/tally.ts'],
    // Most tests wait for servers and processes: on a machine of two cores, one at a time would take twice as long.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: 'node',
          environment: 'node',
          include: ['test/*.test.ts', ...(withPage ? ['test/page/*.test.ts'] : [])],
          globalSetup: './test/support/bundle-worker.ts',
          // Many tests start real servers and processes, and CI machines are small and noisy.
          testTimeout: 30_000,
          hookTimeout: 30_000,
          // Node 22 calls node:sqlite experimental in each test process.
          execArgv: ['--disable-warning=ExperimentalWarning'],
        },
      },
      {
        // Inside workerd: what can only be reached from there.
        plugins: [
          cloudflareTest({
            main: './test/workerd/blank.ts',
            miniflare: {
              compatibilityDate: '2026-10-01',
              compatibilityFlags: ['nodejs_compat'],
              cf: false,
              durableObjects: { BLANK: { className: 'Blank', useSQLite: true } },
            },
          }),
        ],
        test: { name: 'workerd', include: ['test/workerd/*.test.ts'], testTimeout: 30_000 },
      },
    ],
  },
})
