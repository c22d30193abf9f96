/** The bridge goes and comes back; the page says so, and goes on where it was. */
// @module-tag long
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type Bridge, newDataDir, spawnBridge } from '../support/bridge.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'
import { startWorkers } from '../support/workers.ts'
import { goTo, rowsOf, soon, useBrowser } from './browser.ts'

const visit = useBrowser()
const environment = { ADMIN_TOKEN: 'the-token-of-the-tests' }

type Started = Omit<Bridge, 'dataDir'> & { end(): Promise<unknown> }

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('No port is free')
  return address.port
}

async function startNode(folder: string, port: number): Promise<Started> {
  const bridge = await spawnBridge(folder, { ...environment, PORT: String(port) })
  return { ...bridge, end: () => bridge.kill('SIGKILL') }
}

async function startWorker(stateDir: string, port: number): Promise<Started> {
  const bridge = await startWorkers(environment, { stateDir, port })
  return { ...bridge, end: bridge.stop }
}

it.each([
  { host: 'Node, killed', start: startNode },
  { host: 'Workers, stopped', start: startWorker },
])('[PG22] [PG170] the page outlives a restart of the bridge ($host)', async ({ start }) => {
  const folder = start === startNode ? newDataDir() : mkdtempSync(join(tmpdir(), 'bridge-workers-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const port = await freePort()
  let bridge = await start(folder, port)
  onTestFinished(async () => void (await bridge.end()))
  const visited = await visit(bridge, { expected: /ERR_|status of 50[0-9]/ })
  const { page } = visited
  await sendEvents(bridge.webhook, [messageStatus({ type: 'sent' })])
  await soon(() => rowsOf(page).count()).toBe(1)

  await bridge.end()
  const connection = page.locator('.connection')
  await soon(() => connection.textContent()).toBe('Reconnecting')
  await page.getByText('Connection lost. Showing the last known data').waitFor()
  expect(await rowsOf(page).count()).toBe(1)
  // What was good before may not be good now.
  const bar = page.locator('.health-bar')
  await soon(() => bar.getAttribute('data-tone')).toBe('unknown')
  expect(await bar.innerText()).toContain('Last known: ')

  bridge = await start(folder, port)
  await sendEvents(bridge.webhook, [messageStatus({ type: 'read' })])
  await soon(() => connection.textContent(), 20_000).toBe('Live')
  await soon(() => rowsOf(page).count()).toBe(2)
  await soon(() => bar.getAttribute('data-tone')).not.toBe('unknown')
  expect(await rowsOf(page).first().innerText()).toContain('message.read')
  expect(await page.getByText('No answer from the bridge').isVisible()).toBe(false)
  await goTo(page, '#/health')
  await page.getByText('2 received').first().waitFor()
  await visited[Symbol.asyncDispose]()
})
