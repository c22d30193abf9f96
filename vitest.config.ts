import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    reporters: ['default', './test/support/tally.ts'],
    projects: [
      {
        test: {
          name: 'node',
          environment: 'node',
          include: ['test/*.test.ts'],
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
