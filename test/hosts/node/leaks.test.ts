// @module-tag long
/**
 * What the rules of a destination take away is looked for in all that leaves because of it: bodies, files, attempts, notices, log
 * lines, metrics. The receiver refuses everything, and says in its answer all that it was sent.
 */
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { newDataDir, spawnBridge } from '../../support/bridge.ts'
import { messageStatus, sendEvents } from '../../support/twilio.ts'

const PHONE = '+15550100177'
const TEXT = 'what nobody else may read'
const CAMPAIGN = 'the campaign of spring'
const rules = {
  properties: {
    deny: ['body', 'extra.note', 'tags.campaign'],
    hash: ['to', 'from', 'extra.people.phone'],
  },
}

async function startEcho() {
  const bodies: string[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    if (request.method === 'POST') bodies.push(body)
    response.writeHead(400, { 'content-type': 'text/plain' }).end(body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    bodies,
    url: `http://127.0.0.1:${port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

it('[RO28] what a rule takes away is in no body, file, attempt, notice, log line or metric', async () => {
  const echo = await startEcho()
  const dataDir = newDataDir()
  const folder = join(dataDir, 'facts')
  mkdirSync(folder)
  const destinations = {
    masked: {
      type: 'segment',
      writeKey: `\${KEY}`,
      host: echo.url,
      identity: 'hash',
      ...rules,
      when: 'match(event, "com.twilio.messaging.message.*")',
    },
    facts: { type: 'files', to: folder, every: 10, ...rules },
  }
  const bridge = await spawnBridge(dataDir, {
    ...{ DESTINATIONS: JSON.stringify({ destinations }), KEY: 'write-key', HASH_KEY: '0123456789abcdef' },
    LOG_LEVEL: 'debug',
  })
  try {
    const extra = JSON.stringify({ note: TEXT, people: [{ phone: PHONE, kept: 'kept' }] })
    const data = { to: PHONE, body: TEXT, tags: { campaign: CAMPAIGN }, extra }
    await sendEvents(bridge.webhook, [messageStatus({ data }), messageStatus({ data })])
    const { events } = await bridge.api<{ events: { key: string }[] }>('/api/events')
    const files = () =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ndjson.gz'))
    const attemptsOf = async () => {
      const all = await Promise.all(
        events.map(({ key }) => bridge.api<{ attempts: { status: number | null }[] }>(`/api/events/${key}`)),
      )
      return all.flatMap(({ attempts }) => attempts)
    }
    await bridge.api('/api/destinations/facts/deliver-now', { method: 'POST' })
    await expect.poll(async () => files().length, { timeout: 40_000 }).toBeGreaterThan(0)
    await expect
      .poll(async () => (await attemptsOf()).some(({ status }) => status === 400), { timeout: 20_000 })
      .toBe(true)
    await expect
      .poll(async () => (await bridge.api<{ notices: unknown[] }>('/api/notices')).notices.length, {
        timeout: 20_000,
      })
      .toBeGreaterThan(0)
    const left = {
      bodies: echo.bodies.join('\n'),
      files: files()
        .map(name => gunzipSync(readFileSync(join(folder, name))).toString())
        .join('\n'),
      attempts: JSON.stringify(await attemptsOf()),
      notices: JSON.stringify(await bridge.api('/api/notices')),
      metrics: await bridge.api<string>('/metrics'),
      status: JSON.stringify([await bridge.api('/api/status'), await bridge.api('/api/destinations')]),
      log: bridge.stderr.join('\n'),
    }
    for (const [where, text] of Object.entries(left)) {
      expect(text, where).not.toBe('')
      for (const secret of [PHONE, PHONE.slice(1), TEXT, CAMPAIGN, 'externalIds'])
        expect(text, where).not.toContain(secret)
    }
    for (const text of [left.bodies, left.files]) expect(text).toContain('kept')
    expect(left.attempts).toContain('messageId')
  } finally {
    await bridge.kill('SIGTERM')
    echo.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
})
